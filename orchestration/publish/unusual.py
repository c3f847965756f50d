"""What is allowed and yet unlikely: numbers that break with their own history. A warning, and with `strict` a
quarantine, which `--accept REASON` lifts.
"""

from collections.abc import Mapping
from datetime import date
from statistics import median
from typing import Any

import duckdb

from orchestration.scorecard import KPIS
from orchestration.warehouse import tables

# A month is unusual if it is this far from the year before it, in robust standard deviations and in share of
# the median, and also from the same month a year ago. All three, or seasons and small numbers would cry wolf.
_DEVIATIONS = 6.0
_SHARE = 0.5
_MONTHS_NEEDED = 9
_MAD_TO_SIGMA = 1.4826

# A table of facts that lost this much since the version before.
_LOST_SHARE = 0.5
_LOST_ROWS = 100


def find(
    con: duckdb.DuckDBPyConnection, rows: Mapping[str, int], before: Mapping[str, Any] | None
) -> list[str]:
    """A sentence for each break: the last complete month of the ten KPIs, and tables of schema revenue.

    `rows` are the rows of each table of the candidate, `before` is the manifest of the version before.
    """
    return [*_lost_rows(rows, before or {}), *_kpi_breaks(con)]


def _lost_rows(rows: Mapping[str, int], before: Mapping[str, Any]) -> list[str]:
    found = []
    for name, about in sorted(before.get("tables", {}).items()):
        had, has = about["rows"], rows.get(name, 0)
        if name.startswith("revenue.") and had - has >= _LOST_ROWS and has < had * (1 - _LOST_SHARE):
            found.append(f"{name} has {has:,} rows and had {had:,} in the version before.")
    return found


def _kpi_breaks(con: duckdb.DuckDBPyConnection) -> list[str]:
    known = tables(con, "revops", "metrics").get("kpi_values", {})
    if not {"variant", "grain", "period_start", "period_end", "dimension", "value"} <= known.keys():
        return []
    history: dict[str, dict[date, float]] = {}
    names = ", ".join(f"'{kpi}'" for kpi in KPIS)
    for kpi, month, value in con.execute(
        "select kpi, period_start, value from metrics.kpi_values"
        " where variant = 'default' and grain = 'month' and dimension = 'all' and value is not null"
        f" and period_end <= as_of + 1 and kpi in ({names}) order by kpi, period_start"
    ).fetchall():
        history.setdefault(kpi, {})[month] = value
    return [sentence for kpi, months in history.items() if (sentence := _break(kpi, months))]


def _break(kpi: str, months: Mapping[date, float]) -> str | None:
    last = max(months)
    year_before = [value for month, value in months.items() if _months_apart(month, last) in range(1, 13)]
    if len(year_before) < _MONTHS_NEEDED:
        return None
    value, middle = months[last], median(year_before)
    spread = _MAD_TO_SIGMA * median(abs(each - middle) for each in year_before)
    if not _is_far(value, middle, spread):
        return None
    same_month = months.get(last.replace(year=last.year - 1))
    if same_month is not None and not _is_far(value, same_month, spread):
        return None
    return f"{kpi} of {last:%B %Y} is {value:,.4g} after a year around {middle:,.4g}."


def _is_far(value: float, expected: float, spread: float) -> bool:
    return abs(value - expected) > max(_DEVIATIONS * spread, _SHARE * abs(expected))


def _months_apart(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month
