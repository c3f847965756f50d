"""Pages, written from a published file and opened in a browser."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page

from orchestration.dashboard import build
from orchestration.warehouse import open_reader


@dataclass
class Opened:
    """A page and what happened to it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def go(self, fragment: str) -> None:
        """Follow a fragment, as a link would."""
        self.page.evaluate("fragment => { location.hash = fragment; }", fragment)
        self.page.wait_for_function("() => document.documentElement.dataset.ready === 'true'")

    def close_details(self) -> None:
        """Press Escape, and wait until the URL has forgotten the details too."""
        self.page.keyboard.press("Escape")
        self.page.wait_for_function("() => !location.hash.includes('show=')")


Opener = Callable[..., Opened]


def written(published: Path, folder: Path) -> Path:
    """Write the page of a published file into a folder."""
    con = open_reader(published)
    try:
        build(con, folder)
    finally:
        con.close()
    return folder / "dashboard.html"
