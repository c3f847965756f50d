"""A headless Chromium and the pages it opens."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from orchestration.dashboard import build
from orchestration.warehouse import open_reader
from sandbox.delivery import deliver
from sandbox.world import World

PROJECT = Path(__file__).resolve().parents[2]
UNTIL = date(2026, 3, 31)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """A published file at hand saves the run of the pretend company."""
    parser.addoption("--published", type=Path, help="published file to test the page with")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser or prepares for it."""
    for item in items:
        if PROJECT / "tests" / "browser" in item.path.parents:
            item.add_marker(pytest.mark.browser)


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; scripts/install_chromium.sh installs it."""
    executable = shutil.which("chromium")
    assert executable, "chromium is not installed: scripts/install_chromium.sh"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """Open a page file with a fragment; options are those of a browser context."""
    contexts = []

    def opener(path: Path, fragment: str = "", **options: Any) -> Opened:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.set_default_timeout(60_000)
        opened.page.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.page.on("console", lambda message: _note(opened, message))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(path.as_uri() + (f"#{fragment}" if fragment else ""))
        opened.page.wait_for_function("() => document.documentElement.dataset.ready === 'true'")
        return opened

    yield opener
    for context in contexts:
        context.close()


def _note(opened: Opened, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        opened.errors.append(message.text)


@pytest.fixture(scope="session")
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file of the pretend company: the one given, or one made here by a whole run."""
    given: Path | None = request.config.getoption("--published")
    if given is not None:
        return given
    return _run_company(tmp_path_factory.mktemp("company"))


def _run_company(folder: Path) -> Path:
    deliver(World(until=UNTIL, seed=7, scale=0.5), folder / "data" / "sandbox")
    shutil.copy(PROJECT / "revops.yml", folder / "revops.yml")
    subprocess.run(
        [
            sys.executable,
            "-c",
            "from orchestration.cli import main; main()",
            "run",
            "--config",
            str(folder / "revops.yml"),
            "--as-of",
            UNTIL.isoformat(),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "REVOPS_HOME": str(folder / "home")},
        check=True,
        timeout=900,
    )
    return (folder / "home" / "published" / "revops.duckdb").resolve()


@pytest.fixture(scope="session")
def company_page(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the pretend company."""
    return written(published, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def warehouse(published: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file behind the page."""
    con = open_reader(published)
    yield con
    con.close()


def written(published: Path, folder: Path) -> Path:
    """Write the page of a published file into a folder."""
    con = open_reader(published)
    try:
        build(con, folder)
    finally:
        con.close()
    return folder / "dashboard.html"
