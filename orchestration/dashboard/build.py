"""Writes dashboard.html from a published file."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.dashboard import cubes, findings, kpis, operations, page, records
from orchestration.dashboard.encoding import day, encoded, text
from orchestration.dashboard.published import FILTERS, Published

FILE_NAME = "dashboard.html"

# The page stays below this at any size of the warehouse; what has no room is named on it.
_BYTES = 2_950_000
# Records get at most so much of it; the KPI series get what is left, and never less than this.
_RECORD_BYTES = 950_000
_SERIES_BYTES = 400_000


def build(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the page into `folder`. The same published tables give the same bytes; only they are read."""
    (folder / FILE_NAME).write_text(page.assemble(page_data(con)), encoding="utf-8")


def page_data(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Everything the page shows, ready for JSON and bounded whatever the size of the warehouse.

    Definitions, sums and what is known about the data come first, then records, then KPI series.
    """
    published = Published(con)
    ((as_of,),) = published.rows("select max(as_of) from metrics.kpi_values")
    filters = published.filter_values()
    periods = kpis.periods(published)
    months = _months(published, len(periods["month"]))
    fixed: dict[str, Any] = {
        "as_of": day(as_of),
        "currency": kpis.currency(published),
        "headlines": list(kpis.HEADLINES),
        "filters": {name: [text(value) for value in filters[name]] for name in FILTERS},
        "periods": periods,
        "catalog": kpis.catalog(published),
        "goals": kpis.goals(published),
        "cubes": cubes.cubes(published, filters, months, as_of),
        "findings": findings.findings(published),
        "operations": operations.operations(published),
        "identity": operations.identity(published),
        "tables": sorted(published.columns),
    }
    found = records.records(published, as_of, _last_days(months, as_of))
    room = _RECORD_BYTES
    data = encoded(fixed | {"records": records.fitted(found, room)})
    while (spare := _BYTES - page.size(data)) < _SERIES_BYTES and room:
        room = max(0, room - (_SERIES_BYTES - spare) - room // 20)
        data = encoded(fixed | {"records": records.fitted(found, room)})
    data["kpis"], data["series_left_out"] = kpis.series(published, periods, filters, spare)
    return data


def _months(published: Published, kept: int) -> list[date]:
    rows = published.rows(
        "select distinct period_start from metrics.kpi_values where grain = 'month' order by 1 desc limit ?",
        [kept],
    )
    return [row[0] for row in reversed(rows)]


def _last_days(months: list[date], as_of: date) -> list[date]:
    return [*((later - timedelta(days=1)) for later in months[1:]), as_of] if months else []
