"""The same models on another engine publish what they publish on DuckDB, decimals included."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from company import UNTIL, Company
from equal_tables import differences

from orchestration.engines import engine
from orchestration.engines.postgres import opened
from orchestration.errors import ConfigurationError, LockHeld, RevopsError
from orchestration.settings import load_settings
from orchestration.warehouse import open_build

sys.path.append(str(Path(__file__).parents[1] / "sources"))

from postgres import postgres_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as address:
        yield address.replace("postgresql+psycopg://", "postgresql://")


def database(server: str, name: str, order: str = "locale 'C'") -> str:
    """The address of a new database whose texts are ordered as `order` says."""
    with psycopg.connect(server, autocommit=True) as con:
        con.execute(f"create database {name} template template0 {order} encoding 'UTF8'")  # type: ignore[call-overload]
    return server.rsplit("/", 1)[0] + f"/{name}"


@pytest.mark.postgres
def test_postgres_publishes_the_same_tables(company: Company, server: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(company.first_landing, home / "landing.duckdb")
    document = yaml.safe_load(company.config().read_text(encoding="utf-8"))
    config = company.folder / "revops_on_postgres.yml"
    config.write_text(yaml.safe_dump(document | {"warehouse": {"kind": "postgres"}}), encoding="utf-8")
    run = ["run", "--no-extract", "--config", str(config), "--as-of", UNTIL.isoformat()]
    dsn = database(server, "warehouse")
    outcome = company.revops(*run, REVOPS_HOME=str(home), REVOPS_WAREHOUSE_DSN=dsn)
    assert outcome.returncode == 0, outcome.stderr
    published = (home / "published" / "revops.duckdb").resolve()
    assert differences(company.first_version, published) == []
    with psycopg.connect(dsn) as con:
        made = con.execute("select count(*) from metrics.kpi_values").fetchone()
    assert made is not None and made[0] > 100_000, "the models ran elsewhere"


@pytest.mark.postgres
def test_a_database_that_another_run_works_in_is_left_alone(server: str) -> None:
    dsn = database(server, "held")
    with opened(dsn), pytest.raises(LockHeld), opened(dsn):
        pass


@pytest.mark.postgres
def test_a_run_between_the_stages_of_another_is_noticed(server: str, tmp_path: Path) -> None:
    dsn = database(server, "shared")
    mine, theirs = tmp_path / "mine.duckdb", tmp_path / "theirs.duckdb"
    for build in (mine, theirs):
        with open_build(build) as con:
            con.execute("create schema run")
        with opened(dsn) as warehouse:
            warehouse.give(build, ["run"])
    with opened(dsn) as warehouse:
        warehouse.give(theirs, ["identity"])
        with pytest.raises(RevopsError, match="a database of its own"):
            warehouse.give(mine, ["identity"])


@pytest.mark.postgres
def test_a_database_with_the_order_of_a_language_is_refused(server: str) -> None:
    dsn = database(server, "ordered", "locale_provider icu icu_locale 'en-US'")
    refused = pytest.raises(RevopsError, match="orders texts as a language does")
    with refused, opened(dsn):
        pass


def test_an_engine_without_an_address_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REVOPS_WAREHOUSE_DSN", raising=False)
    config = tmp_path / "revops.yml"
    config.write_text("warehouse: {kind: postgres}", encoding="utf-8")
    refused = pytest.raises(ConfigurationError, match="set REVOPS_WAREHOUSE_DSN to its address")
    with refused, engine(load_settings(config)):
        pass
