"""A headless Chromium and the pages it opens."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from company import Company
from opening import Opened, Opener, written
from playwright.sync_api import Browser, ConsoleMessage, sync_playwright

from orchestration.contract import PROJECT_ROOT
from orchestration.warehouse import open_reader

_INSTALL = PROJECT_ROOT / "scripts" / "install_chromium.sh"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser or prepares for it."""
    for item in items:
        if PROJECT_ROOT / "tests" / "browser" in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; scripts/install_chromium.sh installs it."""
    executable = _chromium()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield opened
        opened.close()


def _chromium() -> str:
    """The path of the browser, installed where it can be."""
    if shutil.which("chromium") is None and os.geteuid() == 0:
        subprocess.run([_INSTALL], check=False, timeout=600)
    found = shutil.which("chromium")
    if found is None:
        pytest.skip(f"there is no chromium on the path; {_INSTALL.name} installs it on Debian and Ubuntu")
    return found


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
def published(request: pytest.FixtureRequest) -> Path:
    """A published file of the pretend company: the one given, or the first version of the shared one."""
    given: Path | None = request.config.getoption("--published")
    if given is not None:
        return given
    company: Company = request.getfixturevalue("company")
    return company.first_version


@pytest.fixture(scope="session")
def company_page(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the pretend company."""
    return written(published, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def warehouse(
    published: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file behind the page, in a copy: pages are built from the file itself."""
    con = open_reader(Path(shutil.copy(published, tmp_path_factory.mktemp("warehouse"))))
    yield con
    con.close()
