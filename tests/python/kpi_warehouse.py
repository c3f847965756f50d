"""A real warehouse from the rows of a test: CSV files in, a published version out, by the steps of a run."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import yaml
from rich.console import Console

from orchestration.reporter import Reporter
from orchestration.run import (
    RunOptions,
    build_entry,
    build_warehouse,
    extract_source,
    open_run,
    publish_candidate,
    resolve_identities,
    write_and_audit,
)
from orchestration.settings import load_settings
from orchestration.warehouse import open_published

Row = Mapping[str, object]
Entities = Mapping[str, Sequence[Row]]
Rules = Mapping[str, str]

# The source's own words, so that no test passes because a word happens to be a shared one.
STAGE_MAPPING = """
source_system,kind,stage,shared_stage,stage_order,is_closed,is_won
crm,,Fresh,prospecting,1,false,false
crm,,Checked,qualified,2,false,false
crm,,Offer,proposal,3,false,false
crm,,Haggling,negotiation,4,false,false
crm,,Victory,won,5,true,true
crm,,Defeat,lost,6,true,false
crm,renewal,Offer,won,5,true,true
"""


@dataclass(frozen=True)
class Kpi:
    """One row of metrics.kpi_values."""

    value: float | None
    numerator: Decimal | None
    denominator: Decimal | None
    n: int
    value_low: float | None
    value_high: float | None
    unit: str
    currency_code: str | None
    null_reason: str | None
    period_start: date
    period_end: date


@dataclass(frozen=True)
class Warehouse:
    """A published version, open read-only, and what its run said."""

    con: duckdb.DuckDBPyConnection
    said: str

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query answers."""
        return self.con.execute(sql, list(values)).fetchall()

    def kpi(
        self,
        name: str,
        variant: str = "default",
        grain: str = "all_time",
        start: str | None = None,
        dimension: str = "all",
        dimension_value: str = "all",
    ) -> Kpi:
        """The one row of a KPI; `start` is the first day of its period, or its first month: 2026-03."""
        day = start and (f"{start}-01" if len(start) == 7 else start)
        columns = ", ".join(Kpi.__dataclass_fields__)
        found = self.rows(
            f"select {columns} from metrics.kpi_values where kpi = ? and variant = ? and grain = ?"
            " and dimension = ? and dimension_value = ? and (? is null or period_start = cast(? as date))",
            name, variant, grain, dimension, dimension_value, day, day,
        )  # fmt: skip
        asked = f"{name}/{variant} {grain} {start or ''} {dimension}={dimension_value}"
        assert len(found) == 1, f"{len(found)} rows of {asked}"
        return Kpi(*found[0])


def build(
    folder: Path,
    entities: Entities,
    as_of: date,
    rules: Rules | None = None,
    reporting: Mapping[str, object] | None = None,
) -> Warehouse:
    """Write the rows as files of a source `crm`, run over them, and open what was published.

    An entity called `desk.tickets` is of another source, `desk`. `rules` are the texts of rules files by
    name; the others are the project's seeds. A row without source_id gets one. An entity without rows is a
    file with a header.
    """
    sources = sorted({_source_of(entity) for entity in entities})
    for source in sources:
        (folder / source).mkdir(parents=True)
    for entity, rows in entities.items():
        name = entity.rpartition(".")[2]
        _write_csv(folder / _source_of(entity) / f"{name}.csv", name, rows)
    (folder / "rules").mkdir(parents=True)
    for name, text in ({"stage_mapping": STAGE_MAPPING} | dict(rules or {})).items():
        (folder / "rules" / f"{name}.csv").write_text(text.lstrip(), encoding="utf-8")
    config = folder / "revops.yml"
    configured = [{"name": source, "kind": "files", "path": source} for source in sources]
    document = {"sources": configured, "rules": "rules", "reporting": dict(reporting or {})}
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    said = run(config, folder / "home", as_of)
    return Warehouse(open_published(folder / "home"), said)


def run(config: Path, home: Path, as_of: date) -> str:
    """Every step of a run, up to the publication; returns what it said."""
    output = io.StringIO()
    with open_run(load_settings(config), home, RunOptions(as_of=as_of), _reporter(output)) as opened:
        for source in opened.sources_to_extract:
            extract_source(opened, source)
        build_entry(opened, lambda node: None)
        resolve_identities(opened)
        build_warehouse(opened, lambda node: None)
        write_and_audit(opened)
        publish_candidate(opened)
    return output.getvalue()


def build_without_data(folder: Path, as_of: date) -> Path:
    """The private file of a build over no source at all: every table, and no business in any."""
    config = folder / "revops.yml"
    config.write_text("sources: []\n", encoding="utf-8")
    options = RunOptions(as_of=as_of)
    with open_run(load_settings(config), folder / "home", options, _reporter(io.StringIO())) as opened:
        build_entry(opened, lambda node: None)
        resolve_identities(opened)
        build_warehouse(opened, lambda node: None)
    return opened.build_file


def _source_of(entity: str) -> str:
    return entity.rpartition(".")[0] or "crm"


def _reporter(output: io.StringIO) -> Reporter:
    return Reporter(Console(file=output, width=1000))


def _write_csv(path: Path, entity: str, rows: Sequence[Row]) -> None:
    columns = list(dict.fromkeys(["source_id", *(column for row in rows for column in row)]))
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(columns)
        for number, row in enumerate(rows):
            complete = {"source_id": f"{entity}-{number}", **row}
            writer.writerow([_text(complete.get(column)) for column in columns])


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value)
