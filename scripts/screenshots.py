"""Takes the pictures of the page that README.md shows, from the published version of a run.

Usage: .venv/bin/python scripts/screenshots.py [--home data] [--folder docs/images]
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from orchestration.contract import PROJECT_ROOT
from orchestration.settings import home_folder

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Picture:
    """One picture: what of the page it shows, from which block on, and how wide the window is."""

    name: str
    fragment: str
    width: int = 1440
    height: int = 1000
    dark: bool = False
    block: str = ""


PICTURES = (
    Picture("executive", "tab=executive"),
    Picture("win-rate", "tab=executive&show=win_rate", width=1000, height=1000),
    Picture("channels", "tab=marketing", width=1000, height=1000, block="channels"),
    Picture("phone", "tab=executive", width=390, height=844),
)


def take(browser: Browser, page_file: Path, picture: Picture, folder: Path) -> Path:
    """Write one picture and return its path."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme="dark" if picture.dark else "light",
        device_scale_factor=1,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{page_file.as_uri()}#{picture.fragment}")
    page.wait_for_function("() => document.documentElement.dataset.ready === 'true'")
    # How old the data is depends on the day the picture is taken.
    page.locator(".as-of-age").evaluate_all("found => found.forEach((each) => each.remove())")
    path = folder / f"{picture.name}.png"
    if picture.block:
        page.locator(f"[data-block={picture.block}]").evaluate(
            "block => scrollTo(0, block.getBoundingClientRect().top + scrollY - 120)"
        )
    page.screenshot(path=path)
    context.close()
    return path


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--folder", type=Path, default=PROJECT_ROOT / "docs" / "images")
    given = parser.parse_args()
    page_file = (home_folder(given.home) / "published" / "current" / "dashboard.html").resolve()
    if not page_file.exists():
        raise SystemExit(f"{page_file} does not exist; run `revops run` first.")
    executable = shutil.which("chromium")
    if executable is None:
        raise SystemExit("chromium is not installed; scripts/install_chromium.sh installs it.")
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        for picture in PICTURES:
            print(take(browser, page_file, picture, given.folder))
        browser.close()


if __name__ == "__main__":
    main()
