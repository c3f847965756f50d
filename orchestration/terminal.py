"""KPIs on a terminal: readable at 80 columns, and without colour."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from orchestration.kpi import KpiQuery
from orchestration.scorecard import change, format_value, null_reason_text, scorecard
from orchestration.warehouse import tables

_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN_BLOCKS = "_.:-=+*#"
_MARKS = {
    "on_target": ("✓ on", "green"),
    "at_risk": ("~ at risk", "yellow"),
    "off_target": ("✗ off", "red"),
}
_MONTHS = 12
# Below this width the sums behind a value are left to --format csv and --explain.
_WIDE = 110

Place = tuple[date, str]


class Goal(NamedTuple):
    """A target, and how the KPI stands against it."""

    target: float
    status: str


def sparkline(values: Sequence[float | None], encoding: str = "utf-8") -> str:
    """The values as a line of blocks from the lowest to the highest; one without a value is a gap."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    blocks = _BLOCKS if encoding.casefold().startswith("utf") else _PLAIN_BLOCKS
    low, high = min(known), max(known)
    steps = (len(blocks) - 1) / (high - low) if high > low else 0
    return "".join(" " if value is None else blocks[round((value - low) * steps)] for value in values)


def print_overview(console: Console, con: duckdb.DuckDBPyConnection) -> None:
    """The ten KPIs of the last complete month, their history and how they stand."""
    month, scores = scorecard(con)
    if month is None:
        console.print("The published file holds no KPI values.")
        return
    sides = {"KPI": "left", f"{month:%b %Y}": "right", "change": "right", "history": "left", "goal": "left"}
    table = _table(*sides.items())
    for score in scores:
        rows = con.execute(
            "select value from metrics.kpi_values where kpi = ? and variant = 'default' and grain = 'month'"
            " and dimension = 'all' and period_start <= ? order by period_start desc limit ?",
            [score.kpi, month, _MONTHS],
        ).fetchall()
        now = score.month.value
        value = (
            null_reason_text(score.month.null_reason)
            if now is None
            else format_value(now, score.unit, score.currency)
        )
        goal = Text("")
        if score.goal is not None:
            goal = _standing(score.goal.status)
        line = sparkline([each for (each,) in reversed(rows)], console.encoding)
        table.add_row(
            score.title, value, change(score.month, score.unit).replace("points", "pts"), line, goal
        )
    console.print(table)
    console.print(f"\nrevops kpi NAME shows one of them: {', '.join(score.kpi for score in scores)}.")


def print_kpi(
    console: Console,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    goals: dict[Place, Goal] | None = None,
) -> None:
    """Print rows of metrics.kpi_values: values with their unit, nulls with their reason, goals by period and
    slice.
    """
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    if not named:
        console.print("No period in this range has a value.")
        return
    first = named[0]
    console.print(f"{first['kpi']}, {first['variant']}, by {first['grain']}", style="bold")
    _print_history(console, named)
    is_sliced = any(row["dimension"] != "all" for row in named)
    is_wide = console.width >= _WIDE
    places = {(row["period_start"], row["dimension_value"]) for row in named}
    found = {place: goal for place, goal in (goals or {}).items() if place in places}
    headings = [("from", "left"), ("until", "left")] if is_wide else [("from", "left")]
    headings += [(first["dimension"], "left")] if is_sliced else []
    headings += [("value", "right")]
    headings += [("numerator", "right"), ("denominator", "right")] if is_wide else []
    has_interval = any(row["value_low"] is not None for row in named)
    headings += [("n", "right"), ("95 % interval", "right")] if has_interval else [("n", "right")]
    headings += [("target", "right"), ("", "left")] if found else []
    table = _table(*headings)
    for row in named:
        unit, currency = row["unit"], row["currency_code"] or ""
        goal = found.get((row["period_start"], row["dimension_value"]))
        value = null_reason_text(row["null_reason"])
        if row["value"] is not None:
            value = format_value(row["value"], unit, currency)
        interval = ""
        if row["value_low"] is not None and row["value_high"] is not None:
            interval = f"{format_value(row['value_low'], unit)} to {format_value(row['value_high'], unit)}"
        cells: list[str | Text] = [str(row["period_start"])]
        cells += [str(row["period_end"])] if is_wide else []
        cells += [escape(row["dimension_value"])] if is_sliced else []
        cells += [value]
        cells += [_amount(row["numerator"]), _amount(row["denominator"])] if is_wide else []
        cells += [_amount(row["n"]), interval] if has_interval else [_amount(row["n"])]
        if found:
            cells += [format_value(goal.target, unit), _standing(goal.status)] if goal else ["", ""]
        table.add_row(*cells)
    console.print(table)


def goals_of(con: duckdb.DuckDBPyConnection, query: KpiQuery) -> dict[Place, Goal]:
    """Goals of a KPI by first day and slice, where the file has goals."""
    ((name,),) = con.execute("select current_database()").fetchall()
    if "goals" not in tables(con, name, "metrics"):
        return {}
    rows = con.execute(
        "select period_start, dimension_value, target, status from metrics.goals"
        " where kpi = ? and variant = ? and grain = ? and dimension = ? and target is not null",
        [query.name, query.variant, query.grain, query.dimension],
    ).fetchall()
    return {(start, value): Goal(target, status) for start, value, target, status in rows}


def _print_history(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """A line per slice: how the value moved, from where to where."""
    by_slice: dict[str, list[float | None]] = {}
    for row in rows:
        by_slice.setdefault(row["dimension_value"], []).append(row["value"])
    unit, currency = rows[0]["unit"], rows[0]["currency_code"] or ""
    lines = {name: sparkline(values, console.encoding) for name, values in by_slice.items()}
    if not any(lines.values()):
        return
    table = _table(("", "left"), ("", "left"), ("", "left"))
    table.show_header = False
    for name, line in lines.items():
        known = [value for value in by_slice[name] if value is not None]
        ends = (format_value(value, unit, currency) for value in (min(known), max(known))) if known else ()
        # The latest periods, as many as fit beside the name and the span.
        table.add_row(escape(name), line[-max(10, console.width - 60) :], " to ".join(ends))
    console.print(table)
    console.print()


def _table(*headings: tuple[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, side in headings:
        table.add_column(heading, justify="right" if side == "right" else "left", no_wrap=True)
    return table


def _standing(status: str) -> Text:
    text, colour = _MARKS.get(status, (status.replace("_", " "), ""))
    return Text(text, style=colour)


def _amount(value: Decimal | int | None) -> str:
    return "" if value is None else f"{value:,.2f}".removesuffix(".00")
