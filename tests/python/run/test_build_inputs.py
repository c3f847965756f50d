"""Schema `run` of a build: the latest finished reads, their problems, and which entities there are."""

from datetime import datetime
from pathlib import Path

import pytest
from pretend import write_company

from orchestration import build_inputs
from orchestration.errors import SourceFailed
from orchestration.runlog import RunRecord
from orchestration.settings import Settings
from orchestration.warehouse import open_build, open_landing

MARCH = datetime(2026, 3, 1)
APRIL = datetime(2026, 4, 1)
THIS_RUN = RunRecord("run-4", "2026-05-02T00:00:00+00:00", None, "running", 0, "2026-05-01")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two sources; acme was read in March and in April, and once more in a load that never finished."""
    settings = write_company(tmp_path)
    with open_landing(tmp_path / "home") as con:
        for source in ("acme", "zeta"):
            con.execute(f"create schema raw_{source}")
            con.execute(f"create table raw_{source}._dlt_loads (load_id varchar, status bigint)")
            con.execute(f"create table raw_{source}.accounts (source_id varchar)")
            reads = ", ".join(f"{name} {kind}" for name, kind in list(build_inputs._READS.items())[1:])
            con.execute(f"create table raw_{source}._reads ({reads}, _dlt_load_id varchar)")
            problems = ", ".join(f"{name} {kind}" for name, kind in list(build_inputs._PROBLEMS.items())[1:])
            con.execute(f"create table raw_{source}._problems ({problems}, _dlt_load_id varchar)")
        con.execute("insert into raw_acme._dlt_loads values ('1', 0), ('2', 0)")
        for run_id, read_at, rows, load in (
            ("run-1", MARCH, 10, "1"),
            ("run-2", APRIL, 20, "2"),
            ("run-3", datetime(2026, 5, 1), 30, "3"),
        ):
            con.execute(
                "insert into raw_acme._reads (run_id, entity, read_at, rows_at_source, _dlt_load_id)"
                " values (?, 'accounts', ?, ?, ?)",
                [run_id, read_at, rows, load],
            )
            con.execute(
                "insert into raw_acme._problems (run_id, entity, problem, severity, _dlt_load_id)"
                " values (?, 'accounts', ?, 'error', ?)",
                [run_id, f"problem of {run_id}", load],
            )
    return settings


def _write(settings: Settings, known_at: datetime | None = None) -> tuple[dict[str, list[str]], Path]:
    build = settings.root / "build.duckdb"
    inputs = build_inputs.write(
        build,
        settings.root / "home",
        settings,
        known_at=known_at,
        allow_stale=False,
        previous=None,
        runs=[THIS_RUN],
    )
    return inputs, build


def _rows(build: Path, query: str) -> list[tuple]:
    with open_build(build, read_only=True) as con:
        return con.execute(query).fetchall()


def test_the_latest_finished_read_counts_with_its_problems(settings: Settings) -> None:
    inputs, build = _write(settings)

    assert inputs == {"accounts": ["acme", "zeta"]}
    assert _rows(build, "select * from run.inputs") == [("accounts", "acme"), ("accounts", "zeta")]
    assert _rows(build, "select source_system, run_id, rows_at_source from run.reads") == [
        ("acme", "run-2", 20)
    ]
    assert _rows(build, "select problem from run.problems") == [("problem of run-2",)]
    assert _rows(build, "select run_id, status, finished_at from run.runs") == [("run-4", "running", None)]


def test_a_rebuild_of_what_was_known_sees_the_reads_of_then(settings: Settings) -> None:
    _, build = _write(settings, known_at=datetime(2026, 3, 15))

    assert _rows(build, "select run_id, rows_at_source from run.reads") == [("run-1", 10)]
    assert _rows(build, "select problem from run.problems") == [("problem of run-1",)]


def test_a_source_without_raw_tables_must_be_extracted_first(settings: Settings) -> None:
    with open_landing(settings.root / "home") as con:
        con.execute("drop schema raw_zeta cascade")

    with pytest.raises(SourceFailed, match="zeta has never been extracted"):
        _write(settings)


def test_the_last_finished_load_of_each_source_is_known(settings: Settings) -> None:
    assert build_inputs.last_loads(settings.root / "home", settings) == {"acme": "2"}
