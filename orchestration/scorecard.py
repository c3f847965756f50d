"""What a run ends with: the ten KPIs at a glance, and what to know about the data behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.warehouse import tables

KPIS = (
    "win_rate",
    "sales_cycle_length",
    "pipeline_velocity",
    "customer_acquisition_cost",
    "forecast_accuracy",
    "customer_lifetime_value",
    "customer_churn",
    "renewals",
    "upsells",
    "annual_recurring_revenue",
)

_NULL_REASONS = {
    "no_denominator": "nothing to measure",
    "insufficient_history": "history too short",
}


@dataclass(frozen=True)
class Reading:
    """One KPI over one period, with the same KPI over the period before it."""

    value: float | None
    before: float | None
    null_reason: str | None = None


@dataclass(frozen=True)
class Goal:
    """What a KPI is to reach in the period `grain` names, and whether it does so far."""

    target: float
    status: str
    grain: str


@dataclass(frozen=True)
class Score:
    """A line of the scorecard. `month` is the last complete month, `year` the twelve months that end with
    it.
    """

    kpi: str
    title: str
    unit: str
    currency: str
    month: Reading
    year: Reading
    goal: Goal | None = None


def last_complete_month(con: duckdb.DuckDBPyConnection) -> date | None:
    """First day of the last month that ended on or before the as-of day; None in a file without KPI
    values.
    """
    ((first_day,),) = con.execute(
        "select max(period_start) from metrics.kpi_values"
        " where grain = 'month' and dimension = 'all' and period_end <= as_of + 1"
    ).fetchall()
    return first_day if isinstance(first_day, date) else None


def scorecard(con: duckdb.DuckDBPyConnection) -> tuple[date | None, list[Score]]:
    """The last complete month and one line per KPI of the mission that the file has."""
    month = last_complete_month(con)
    if month is None:
        return None, []
    goals = _goals(con, month)
    scores = []
    for kpi, title, unit, currency in _described(con):
        monthly = _reading(con, kpi, "month", month)
        yearly = _reading(con, kpi, "trailing_12_months", month)
        scores.append(Score(kpi, title, unit, currency or "", monthly, yearly, goals.get(kpi)))
    return month, scores


def print_scorecard(console: Console, month: date, scores: list[Score]) -> None:
    """Print the scorecard as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("KPI", no_wrap=True)
    for heading in (f"{month:%B %Y}", "change", "12 months", "change", "target"):
        table.add_column(heading, justify="right", no_wrap=True)
    for score in scores:
        target = ""
        if score.goal is not None:
            # A month is not measured against a quarter's goal: the quarter is, so far.
            period = "" if score.goal.grain == "month" else f"{score.goal.grain} "
            target = f"{_value(score.goal.target, score)} ({period}{score.goal.status.replace('_', ' ')})"
        table.add_row(
            score.title,
            _reading_text(score.month, score),
            change(score.month, score.unit),
            _reading_text(score.year, score),
            change(score.year, score.unit),
            target,
        )
    console.print(table)


def findings(con: duckdb.DuckDBPyConnection, limit: int = 12) -> list[str]:
    """What operations.data_quality reports, the worst first, one sentence each; the last one counts what is
    left out.
    """
    ((name,),) = con.execute("select current_database()").fetchall()
    if "data_quality" not in tables(con, name, "operations"):
        return []
    rows = con.execute(
        "select severity, source_system, entity, failing_rows, message from operations.data_quality"
        " order by case severity when 'error' then 0 when 'warning' then 1 else 2 end, failing_rows desc,"
        " test"
    ).fetchall()
    sentences = [
        f"{severity}: {source}, {entity}, {number:,} row{'s' if number != 1 else ''}: {message}"
        for severity, source, entity, number, message in rows[:limit]
    ]
    return [*sentences, f"and {len(rows) - limit} more"] if len(rows) > limit else sentences


def change(reading: Reading, unit: str) -> str:
    """The change against the period before: points for a ratio, percent for anything else; empty if
    unknown.
    """
    if reading.value is None or reading.before is None:
        return ""
    if unit == "ratio":
        return f"{(reading.value - reading.before) * 100:+.1f} points"
    if reading.before == 0:
        return ""
    return f"{(reading.value / reading.before - 1) * 100:+.1f} %"


def format_value(value: float | Decimal | None, unit: str, currency: str = "") -> str:
    """A value with its unit, rounded for reading."""
    if value is None:
        return "–"
    match unit:
        case "ratio":
            # Zero has no sign.
            return f"{round(float(value) * 100, 1) + 0.0:.1f} %"
        case "currency":
            return f"{value:,.0f} {currency}".rstrip()
        case "currency_per_day":
            return f"{value:,.0f} {currency}/day"
        case "days":
            return f"{value:,.1f} days"
        case _:
            return f"{value:,.0f}"


def null_reason_text(reason: str | None) -> str:
    """Why a value is null, in words."""
    if reason and reason.startswith("missing_input:"):
        return f"no {reason.removeprefix('missing_input:')} in any source"
    return _NULL_REASONS.get(reason or "", reason or "–")


def _value(value: float, score: Score) -> str:
    return format_value(value, score.unit, score.currency)


def _reading_text(reading: Reading, score: Score) -> str:
    return null_reason_text(reading.null_reason) if reading.value is None else _value(reading.value, score)


def _described(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, str | None]]:
    rows = con.execute(
        "select catalog.kpi, catalog.title, catalog.unit,"
        " (select max(currency_code) from metrics.kpi_values where kpi = catalog.kpi) as currency_code"
        " from metrics.kpi_catalog as catalog where variant = 'default'"
    ).fetchall()
    by_kpi: Mapping[str, tuple[str, str, str, str | None]] = {row[0]: row for row in rows}
    return [by_kpi[kpi] for kpi in KPIS if kpi in by_kpi]


def _reading(con: duckdb.DuckDBPyConnection, kpi: str, grain: str, month: date) -> Reading:
    """The period that ends with `month`, and the one that ends where it starts."""
    rows = con.execute(
        "with periods as ("
        "  select period_start, period_end, value, null_reason from metrics.kpi_values"
        "  where kpi = ? and variant = 'default' and grain = ? and dimension = 'all'"
        ")"
        " select this.value, before.value, this.null_reason from periods as this"
        " left join periods as before on before.period_end = this.period_start"
        " where this.period_end = cast(? as date) + interval 1 month",
        [kpi, grain, month],
    ).fetchall()
    if rows:
        return Reading(*rows[0])
    # A KPI without its input has one all_time row that says so.
    reasons = con.execute(
        "select max(null_reason) from metrics.kpi_values where kpi = ? and variant = 'default' and value"
        " is null",
        [kpi],
    ).fetchall()
    return Reading(None, None, reasons[0][0])


def _goals(con: duckdb.DuckDBPyConnection, month: date) -> dict[str, Goal]:
    """The goal of each KPI for `month`, else for the quarter or year it lies in, where the file has goals."""
    ((name,),) = con.execute("select current_database()").fetchall()
    if "goals" not in tables(con, name, "metrics"):
        return {}
    rows = con.execute(
        "select kpi, target, status, grain from metrics.goals where variant = 'default' and dimension = 'all'"
        " and period_start <= $month and period_end >= cast($month as date) + interval 1 month"
        " order by kpi, period_end desc, owner desc",
        {"month": month},
    ).fetchall()
    # The last one of a KPI counts: its shortest period.
    return {kpi: Goal(target, status, grain) for kpi, target, status, grain in rows}
