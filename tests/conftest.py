"""The pretend company that the end-to-end tests and the tests of the page share."""

from pathlib import Path

import pytest
from company import SCALE, UNTIL, Company

from sandbox.delivery import deliver
from sandbox.world import World

_OF_THE_COMPANY = {"browser", "catalog", "end_to_end"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """A published file at hand saves the tests of the page the run of the pretend company."""
    parser.addoption("--published", type=Path, help="published file to test the page with")


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company of seed 7, extracted and published as of its last day."""
    folder = tmp_path_factory.mktemp("company")
    made = Company(World(until=UNTIL, seed=7, scale=SCALE), folder)
    deliver(made.world, folder / "data" / "sandbox")
    outcome = made.revops("run", "--config", str(made.config()), "--as-of", UNTIL.isoformat())
    assert outcome.returncode == 0, outcome.stderr
    made.keep_first_version()
    return made


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a build stay with one worker: those of the pretend company, else those of a folder."""
    for item in items:
        folder = item.path.parent.name
        shares_company = folder in _OF_THE_COMPANY and "company" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("company" if shares_company else folder))
