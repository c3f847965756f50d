"""The pretend company that the end-to-end tests and the tests of the page share."""

from pathlib import Path

import pytest
from company import SCALE, UNTIL, Company

from sandbox.delivery import deliver
from sandbox.world import World


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


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests that share a build stay with one worker: those of the pretend company, else those of a folder.

    Here and not in pytest_collection_modifyitems, where the workers have read the groups already.
    """
    folder = item.path.parent.name
    named = "company" in getattr(item, "fixturenames", ())
    shares_company = folder == "browser" or (folder in ("catalog", "end_to_end") and named)
    item.add_marker(pytest.mark.xdist_group("company" if shares_company else folder))
