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
