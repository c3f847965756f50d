"""Schema `run` of a build: what the models may know about the sources and runs behind their data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import restatements, runlog
from orchestration.contract import entry_contract, modelled_entities
from orchestration.errors import SourceFailed
from orchestration.publish.versions import Version
from orchestration.runlog import RunRecord
from orchestration.settings import Settings
from orchestration.vendor_settings import VendorSource
from orchestration.warehouse import (
    attached,
    checkpoint_and_close,
    identifier,
    landing_file,
    open_build,
    open_landing,
    tables,
)

_READS = {
    "source_system": "varchar",
    "run_id": "varchar",
    "entity": "varchar",
    "location": "varchar",
    "fingerprint": "varchar",
    "read_at": "timestamp",
    "rows_at_source": "bigint",
    "rows_rejected": "bigint",
    "rows_duplicate": "bigint",
    "rows_appended": "bigint",
    "rows_unchanged": "bigint",
    "rows_deleted": "bigint",
    "rows_kept": "bigint",
    "money_at_source": "varchar",
    "money_kept": "varchar",
}
_PROBLEMS = {
    "source_system": "varchar",
    "run_id": "varchar",
    "entity": "varchar",
    "location": "varchar",
    "row_number": "bigint",
    "column_name": "varchar",
    "value": "varchar",
    "problem": "varchar",
    "severity": "varchar",
}
_RUNS = {
    "run_id": "varchar",
    "started_at": "timestamp",
    "finished_at": "timestamp",
    "status": "varchar",
    "exit_code": "integer",
    "as_of": "date",
    "known_at": "timestamp",
    "version": "varchar",
    "content_hash": "varchar",
    "git_commit": "varchar",
    "message": "varchar",
    "seconds": "double",
    "rows_read": "bigint",
    "rows_appended": "bigint",
    "tests_passed": "bigint",
    "tests_warned": "bigint",
    "tests_failed": "bigint",
}

_STEPS = {
    "run_id": "varchar",
    "step": "varchar",
    "table_name": "varchar",
    "status": "varchar",
    "seconds": "double",
    "cpu_seconds": "double",
    "peak_memory_bytes": "bigint",
    "row_count": "bigint",
    "rows_appended": "bigint",
    "cursor_value": "varchar",
}


def write(
    build_file: Path,
    home: Path,
    settings: Settings,
    *,
    known_at: datetime | None,
    allow_stale: bool,
    previous: Version | None,
    runs: Sequence[RunRecord],
) -> dict[str, list[str]]:
    """Create `build_file` with run.inputs, run.reads, run.problems, run.runs, run.steps and what the version
    before said; return entity → source names.

    An input is an entity of a configured source that has been extracted at least once. Raises SourceFailed
    for a configured source that never was, unless `allow_stale`. `runs` are those before and this one, which
    is running.
    """
    landing = open_landing(home)
    # What a run that died left in the log belongs into the file before dbt attaches it read-only.
    checkpoint_and_close(landing, landing_file(home))
    with open_build(build_file) as con, attached(con, landing_file(home), "landing", read_only=True):
        landed = {
            source.name: found
            for source in settings.sources
            if (found := tables(con, "landing", f"raw_{source.name}"))
        }
        missing = [source.name for source in settings.sources if source.name not in landed]
        if missing and not allow_stale:
            raise SourceFailed(
                f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} never been extracted into"
                f" {home};"
                " run without --source and --no-extract, or publish without with --allow-stale."
            )
        inputs = _inputs(settings, landed)
        _create(con, "inputs", {"entity": "varchar", "source_system": "varchar"})
        for entity, names in inputs.items():
            con.executemany("insert into run.inputs values (?, ?)", [(entity, name) for name in names])
        _create(con, "reads", _READS)
        _create(con, "problems", _PROBLEMS)
        for name in landed:
            _copy_reads(con, name, known_at)
        _create(con, "runs", _RUNS)
        con.executemany(
            f"insert into run.runs values ({', '.join('?' * len(_RUNS))})",
            [[getattr(record, column) for column in _RUNS] for record in runs],
        )
        _create(con, "steps", _STEPS)
        if steps := _steps(home):
            con.executemany(f"insert into run.steps values ({', '.join('?' * len(_STEPS))})", steps)
        restatements.write(con, previous, settings, known_at)
    return inputs


def policy(build_file: Path) -> dict[str, dict[str, str]]:
    """Policy → setting → value, as the rules of this build say."""
    found: dict[str, dict[str, str]] = {}
    with open_build(build_file, read_only=True) as con:
        if "metric_policy" in tables(con, build_file.stem, "rules"):
            rows = con.execute(
                "select policy, setting, value from rules.metric_policy order by all"
            ).fetchall()
            for name, setting, value in rows:
                found.setdefault(name, {})[setting] = value
    return found


def last_loads(home: Path, settings: Settings) -> dict[str, str]:
    """The last finished load of every source that has one."""
    with open_landing(home, read_only=True) as con:
        loads = {}
        for source in settings.sources:
            if "_dlt_loads" in tables(con, "landing", f"raw_{source.name}"):
                schema = identifier(f"raw_{source.name}")
                ((load_id,),) = con.execute(
                    f"select max(load_id) from {schema}._dlt_loads where status = 0"
                ).fetchall()
                if load_id:
                    loads[source.name] = load_id
    return loads


def _inputs(
    settings: Settings, landed: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> dict[str, list[str]]:
    given = {
        source.name: {*modelled_entities().get(source.kind, ()), *source.entities}
        if isinstance(source, VendorSource)
        else landed[source.name].keys()
        for source in settings.sources
        if source.name in landed
    }
    return {
        entity: names
        for entity in entry_contract()
        if (names := [source for source, found in given.items() if entity in found])
    }


def _steps(home: Path) -> list[list[object]]:
    """Rows of run.steps. A step that was tried again is one: how it ended, and the seconds of all tries."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for run_id, event in runlog.events(home):
        if event.get("event") not in ("step", "table"):
            continue
        row = found.setdefault((run_id, event["step"], event.get("table", "")), {})
        for name in list(_STEPS)[3:]:
            if (value := event.get(name)) is not None:
                added = name.endswith("seconds") and name in row
                row[name] = row[name] + value if added else value
    return [[*key, *map(row.get, list(_STEPS)[3:])] for key, row in found.items()]


def _create(con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    con.execute("create schema if not exists run")
    listed = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
    con.execute(f"create table run.{table} ({listed})")


def _copy_reads(con: duckdb.DuckDBPyConnection, source: str, known_at: datetime | None) -> None:
    """The latest read of every entity that was known at `known_at`, and the problems of those reads."""
    schema = f"landing.{identifier(f'raw_{source}')}"
    con.execute(
        f"insert into run.reads select ? as source_system, {', '.join(list(_READS)[1:])} from {schema}._reads"
        f" where _dlt_load_id in (select load_id from {schema}._dlt_loads where status = 0)"
        " and (cast(? as timestamp) is null or read_at <= cast(? as timestamp))"
        " qualify row_number() over (partition by entity order by read_at desc, run_id desc) = 1",
        [source, known_at, known_at],
    )
    con.execute(
        f"insert into run.problems select ? as source_system, {', '.join(list(_PROBLEMS)[1:])}"
        f" from {schema}._problems where (run_id, entity) in"
        " (select (run_id, entity) from run.reads where source_system = ?)",
        [source, source],
    )
