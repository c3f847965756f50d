"""The pack of the recurring review: what changed in a quarter, what is behind it, what to decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, TextIO

import duckdb

from orchestration.errors import ConfigurationError

# The KPIs of the scorecard, in its order.
_HEADLINES = (
    "annual_recurring_revenue",
    "win_rate",
    "sales_cycle_length",
    "pipeline_velocity",
    "customer_acquisition_cost",
    "forecast_accuracy",
    "customer_lifetime_value",
    "customer_churn",
    "renewals",
    "upsells",
)
_MOST = 5


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the pack: a table, or one sentence where there is nothing to show."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    nothing: str


def write_review(con: duckdb.DuckDBPyConnection, quarter: date | None, file: TextIO) -> None:
    """Print the pack of the fiscal quarter that contains the day, else of the last complete one, as Markdown.

    Raises ConfigurationError for a day outside the published quarters.
    """
    start, end, last_day = _quarter(con, quarter)
    running = "" if (end - last_day).days == 1 else f" (running, as of {last_day:%d %B %Y})"
    print(f"# Review of the quarter from {start:%d %B %Y}{running}\n", file=file)
    decisions = []
    for build in (_changes, _goals, _bottlenecks, _handoffs, _conformance, _teams, _tools, _channels):
        section, decide = build(con, start)
        decisions += decide
        _print_section(section, file)
    print("## To decide\n", file=file)
    for number, decision in enumerate(decisions, start=1):
        print(f"{number}. {decision}", file=file)
    if not decisions:
        print("Nothing stands out beyond chance.", file=file)


Built = tuple[Section, list[str]]


def _quarter(con: duckdb.DuckDBPyConnection, day: date | None) -> tuple[date, date, date]:
    found = con.execute(
        "select period_start, max(period_end), max(last_day) from revenue.reporting_periods"
        " where grain = 'quarter' group by period_start order by period_start"
    ).fetchall()
    complete = [row for row in found if (row[1] - row[2]).days == 1]
    chosen = (complete or found)[-1:] if day is None else [row for row in found if row[0] <= day < row[1]]
    if not chosen:
        last = f"; the last one begins on {found[-1][0]}" if found else ""
        raise ConfigurationError(f"No published quarter contains {day or 'any day'}{last}.")
    return chosen[0]


def _changes(con: duckdb.DuckDBPyConnection, start: date) -> Built:
    rows = con.execute(
        """
        select catalog.title, own.unit, own.value, earlier.value, catalog.direction, own.null_reason
        from metrics.kpi_values as own
        inner join metrics.kpi_catalog as catalog using (kpi, variant)
        left join metrics.kpi_values as earlier
            on own.kpi = earlier.kpi and own.variant = earlier.variant and own.dimension = earlier.dimension
            and own.grain = earlier.grain and earlier.period_end = own.period_start
        where own.grain = 'quarter' and own.period_start = ? and own.dimension = 'all'
            and own.variant = 'default' and list_contains(?, own.kpi)
        order by list_position(?, own.kpi)
        """,
        [start, list(_HEADLINES), list(_HEADLINES)],
    ).fetchall()
    shown = []
    for title, unit, value, before, direction, why_null in rows:
        change = ""
        if value is not None and before:
            moved = value / before - 1
            better = (moved > 0) == (direction == "up")
            change = f"{moved:+.0%}" + ("" if abs(moved) < 0.005 else ", better" if better else ", worse")
        shown.append((title, _number(value, unit) or str(why_null), _number(before, unit), change))
    return Section("What changed", ("KPI", "Quarter", "Before", "Change"), tuple(shown), "No KPI."), []


def _goals(con: duckdb.DuckDBPyConnection, start: date) -> Built:
    rows = con.execute(
        """
        select title, dimension_value, owner, target, actual, unit, status, conflicts_with, kpi
        from metrics.goals
        where period_start = ? and grain = 'quarter' and status in ('off_target', 'at_risk')
        order by case status when 'off_target' then 0 else 1 end,
            abs(actual - target) / nullif(abs(target), 0) desc, kpi, dimension_value, owner
        """,
        [start],
    ).fetchall()
    shown = tuple(
        (title, where, owner, _number(target, unit), _number(actual, unit), status.replace("_", " "),
         ", ".join(conflicts))
        for title, where, owner, target, actual, unit, status, conflicts, _ in rows
    )  # fmt: skip
    decisions = [
        f"{owner} and {', '.join(conflicts)}: which goal goes first? {title} pulls against it."
        for title, _, owner, _, _, _, _, conflicts, _ in rows
        if conflicts
    ]
    columns = ("Goal", "Where", "Owner", "Target", "Actual", "Status", "Pulls against")
    return Section("Goals missed or at risk", columns, shown, "Every goal with data is met."), decisions[
        :_MOST
    ]


def _bottlenecks(con: duckdb.DuckDBPyConnection, start: date) -> Built:
    rows = con.execute(
        """
        select process, step, segment, cases, days, usual_days, amount_at_risk from metrics.bottlenecks
        where period_start = ? and is_bottleneck order by bottleneck_rank
        """,
        [start],
    ).fetchall()
    shown = tuple(
        (f"{process} {step}", segment, str(cases), _number(days, "days") or "not yet", _number(usual, "days"),
         _number(amount, "currency"))
        for process, step, segment, cases, days, usual, amount in rows
    )  # fmt: skip
    decisions = [
        f"{process} {step}, {segment}: who clears the {_number(amount, 'currency')} that wait too long?"
        for process, step, segment, _, _, _, amount in rows
    ]
    columns = ("Step", "Segment", "Cases", "Median days", "Usual", "Amount waiting")
    return Section("Bottlenecks", columns, shown, "No step is slower than chance explains."), decisions[
        :_MOST
    ]


def _handoffs(con: duckdb.DuckDBPyConnection, start: date) -> Built:
    rows = con.execute(
        """
        select from_department, to_department, handed_over, dropped, late_share, worst_dimension, worst_value,
            worst_days, worst_usual_days, is_stalled, reason
        from metrics.handoffs where period_start = ? order by is_stalled desc, late_share desc, 1, 2
        """,
        [start],
    ).fetchall()
    shown = tuple(
        (f"{giver} to {taker}", str(handed), str(dropped), f"{late:.0%}", reason)
        for giver, taker, handed, dropped, late, *_, reason in rows
    )
    decisions = [
        f"{giver} to {taker}: {dimension} {value} waits {_number(days, 'days') or 'without end'} instead of"
        f" {_number(usual, 'days')}; who answers there?"
        for giver, taker, _, _, _, dimension, value, days, usual, stalled, _ in rows
        if stalled
    ]
    columns = ("Hand-off", "Cases", "Dropped", "Late", "")
    return Section("Between departments", columns, shown, "No hand-off is recorded."), decisions


def _conformance(con: duckdb.DuckDBPyConnection, start: date) -> Built:
    rows = con.execute(
        f"""
        select playbook, deviation, cases, share, median_days_over from metrics.process_conformance
        where period_start = ? and (deviation = 'none' or deviation_rank <= {_MOST})
        order by playbook, coalesce(deviation_rank, 0)
        """,
        [start],
    ).fetchall()
    shown = tuple(
        (playbook, "as documented" if deviation == "none" else deviation, str(cases), f"{share:.0%}",
         _number(over, "days"))
        for playbook, deviation, cases, share, over in rows
    )  # fmt: skip
    columns = ("Playbook", "Cases that went", "Cases", "Share", "Over time, median")
    return Section("The documented process", columns, shown, "No case of a playbook."), []


def _teams(con: duckdb.DuckDBPyConnection, start: date) -> Built:
    rows = con.execute(
        """
        select team, kpi, cases, actual, peers, own_past, quota_attainment, needs_support, reason
        from metrics.team_support where period_start = ? order by needs_support desc, team
        """,
        [start],
    ).fetchall()

    def value(kpi: str, number: float | None) -> str:
        return _number(number, "days" if kpi.endswith(("time", "length")) else "ratio")

    shown = tuple(
        (team, kpi, str(cases), value(kpi, actual), value(kpi, peers), value(kpi, past),
         _number(quota, "ratio"), reason)
        for team, kpi, cases, actual, peers, past, quota, _, reason in rows
    )  # fmt: skip
    decisions = [
        f"{team}: what does it need? {kpi.replace('_', ' ')} {value(kpi, actual)}, peers {value(kpi, peers)},"
        f" own past {value(kpi, past)}, {cases} cases."
        for team, kpi, cases, actual, peers, past, _, needs_support, _ in rows
        if needs_support
    ]
    columns = ("Team", "KPI", "Cases", "Actual", "Peers", "Own past", "Quota", "")
    return Section("Teams", columns, shown, "No team has cases."), decisions


def _tools(con: duckdb.DuckDBPyConnection, start: date) -> Built:
    rows = con.execute(
        """
        select tool, department, status, users, respondents, yearly_cost_unused, overlaps_with
        from metrics.tool_adoption
        where status in ('unused', 'rarely_used') or len(overlaps_with) > 0
        order by yearly_cost_unused desc nulls last, tool, department
        """
    ).fetchall()
    shown = tuple(
        (tool, department, status.replace("_", " "), f"{users} of {asked}", _number(cost, "currency"),
         ", ".join(overlaps))
        for tool, department, status, users, asked, cost, overlaps in rows
    )  # fmt: skip
    decisions = [
        f"{tool} in {department}: end it, or get it used? {_number(cost, 'currency')} a year for nobody."
        for tool, department, status, _, _, cost, _ in rows
        if status in ("unused", "rarely_used")
    ]
    columns = ("Tool", "Department", "Status", "Users", "A year unused", "Same purpose as")
    return Section("Tools unused or double", columns, shown, "Every tool is used, none twice."), decisions


def _channels(con: duckdb.DuckDBPyConnection, start: date) -> Built:
    rows = con.execute(
        """
        select channel, share, share_low, share_high, lowest_share, highest_share, credited_amount
        from metrics.attribution_by_channel where model = 'linear' order by share desc, channel
        """
    ).fetchall()
    shown = tuple(
        (channel, f"{share:.0%}", "" if low is None else f"{low:.0%} to {high:.0%}",
         f"{least:.0%} to {most:.0%}", _number(amount, "currency"))
        for channel, share, low, high, least, most, amount in rows
    )  # fmt: skip
    columns = ("Channel", "Share, linear", "By chance", "By model", "Won amount, linear")
    return Section("What won the deals, all time", columns, shown, "No touch of a won deal is known."), []


def _number(value: Any, unit: str) -> str:
    if value is None:
        return ""
    if unit == "ratio":
        return f"{float(value):.1%}"
    if unit == "days":
        return f"{float(value):,.1f} days"
    return f"{float(value):,.0f}"


def _print_section(section: Section, file: TextIO) -> None:
    print(f"## {section.title}\n", file=file)
    if not section.rows:
        print(f"{section.nothing}\n", file=file)
        return
    for line in _table(section):
        print(line, file=file)
    print(file=file)


def _table(section: Section) -> Iterator[str]:
    rows = [section.columns, *(tuple(cell.replace("|", "/") for cell in row) for row in section.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(section.columns))]

    def pad(row: tuple[str, ...]) -> str:
        return " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))

    yield f"| {pad(rows[0])} |"
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    for row in rows[1:]:
        yield f"| {pad(row)} |"
