"""KPI values out of the published file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.errors import ConfigurationError
from orchestration.settings import nearest

GRAINS = ("month", "quarter", "year", "trailing_12_months", "all_time")

_COLUMNS = (
    "kpi", "variant", "grain", "period_start", "period_end", "dimension", "dimension_value", "value", "unit",
    "currency_code", "numerator", "denominator", "n", "value_low", "value_high", "null_reason", "as_of",
    "definition_version",
)  # fmt: skip


@dataclass(frozen=True)
class KpiQuery:
    """Which values of one KPI. `since` and `until` are days; a period belongs if it starts on or between
    them.
    """

    name: str
    variant: str = "default"
    grain: str = "month"
    dimension: str = "all"
    since: date | None = None
    until: date | None = None


def kpi_values(
    con: duckdb.DuckDBPyConnection, query: KpiQuery
) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Columns and rows of metrics.kpi_values that `query` asks for, in the order of slice and period.

    Raises ConfigurationError with the nearest name for a KPI, variant, grain or dimension that does not
    exist.
    """
    check_names(con, query)
    rows = con.execute(
        f"select {', '.join(_COLUMNS)} from metrics.kpi_values"
        " where kpi = ? and variant = ? and grain = ? and dimension = ?"
        " and (cast(? as date) is null or period_start >= ?) and (cast(? as date) is null or period_start"
        " <= ?)"
        " order by dimension_value, period_start",
        [
            *(query.name, query.variant, query.grain, query.dimension),
            *([query.since] * 2),
            *([query.until] * 2),
        ],
    ).fetchall()
    return _COLUMNS, rows


def check_names(con: duckdb.DuckDBPyConnection, query: KpiQuery) -> None:
    """Raise ConfigurationError if a name in `query` is not one this file knows."""
    _known("KPI", query.name, _column(con, "select distinct kpi from metrics.kpi_catalog"))
    _known(
        f"variant of {query.name}",
        query.variant,
        _column(con, "select distinct variant from metrics.kpi_catalog where kpi = ?", query.name),
    )
    _known("grain", query.grain, GRAINS)
    _known(
        f"dimension of {query.name}",
        query.dimension,
        _column(
            con,
            "select distinct dimension from metrics.kpi_values where kpi = ? and variant = ?",
            query.name,
            query.variant,
        )
        | {"all"},
    )


def _known(what: str, word: str, known: Iterable[str]) -> None:
    names = list(known)
    if word in names:
        return
    near = nearest(word, names)
    hint = f"did you mean {near}? " if near else ""
    raise ConfigurationError(
        f"There is no {what} called '{word}'; {hint}There are: {', '.join(sorted(names))}."
    )


def _column(con: duckdb.DuckDBPyConnection, query: str, *values: str) -> set[str]:
    return {row[0] for row in con.execute(query, list(values)).fetchall()}
