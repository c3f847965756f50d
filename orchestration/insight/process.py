"""Where work waits: steps that take longer than usual, and hand-offs between departments.

A step or hand-off is compared with its own past, cases that still run censored, by a permutation test; what
many tests would find by chance is held down by the false discovery rate. With too few cases it says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np

from orchestration.insight.guards import (
    false_discovery_rates,
    median_time,
    permutation_p,
    survival_scores,
)
from orchestration.insight.tables import write_table

FALSE_ALARMS = 0.05
MINIMUM_CASES = 5
MINIMUM_USUAL_CASES = 10
SLOWER_BY = 1.25  # than usual: less is not worth a meeting
USUAL_QUARTERS = 8
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Stay:
    """One case in one step: since when, until when (None while it lasts), and what hangs on it."""

    began: datetime
    ended: datetime | None
    amount: Decimal | None = None

    def until(self, moment: datetime) -> tuple[float, bool]:
        """Days up to a moment, and whether the stay had ended by then."""
        over = self.ended is not None and self.ended <= moment
        last = self.ended if over and self.ended is not None else moment
        return (last - self.began).total_seconds() / _DAY, over


@dataclass(frozen=True, slots=True)
class Slowdown:
    """Stays that began in a window against those of the two years before it, both as known at its end."""

    cases: int
    ended: int
    days: float | None
    usual_cases: int
    usual_days: float | None
    excess_days: float
    amount_at_risk: Decimal
    score: float
    p_value: float | None

    @property
    def times_usual(self) -> float:
        """How many times the usual wait; 0 where none is usual."""
        if not self.usual_days:
            return 0.0
        # half have not ended yet: slower than anything that was seen
        return float("inf") if self.days is None else self.days / self.usual_days

    @property
    def is_slower(self) -> bool:
        """Whether the difference is large enough to matter, by chance or not."""
        return self.times_usual >= SLOWER_BY


def slowdown(stays: Sequence[Stay], first: datetime, last: datetime, usual_from: datetime) -> Slowdown:
    """Compare the stays that began in [first, last) with those in [usual_from, first)."""
    now = [stay for stay in stays if first <= stay.began < last]
    usual = [stay for stay in stays if usual_from <= stay.began < first]
    recent = [stay.until(last) for stay in now]
    before = [stay.until(last) for stay in usual]
    usual_days = median_time([days for days, _ in before], [over for _, over in before]) if before else None
    enough = len(now) >= MINIMUM_CASES and len(usual) >= MINIMUM_USUAL_CASES
    p_value = None
    if enough:
        both = recent + before
        scores = survival_scores(
            np.array([days for days, _ in both]), np.array([over for _, over in both], dtype=float)
        )
        p_value = permutation_p(scores, np.arange(len(both)) < len(recent))
    over_usual = [
        (days - (usual_days or 0.0), over, stay.amount)
        for stay, (days, over) in zip(now, recent, strict=True)
        if usual_days is not None and days > usual_days
    ]
    return Slowdown(
        cases=len(now),
        ended=sum(over for _, over in recent),
        days=median_time([days for days, _ in recent], [over for _, over in recent]) if recent else None,
        usual_cases=len(usual),
        usual_days=usual_days,
        excess_days=sum(days for days, _, _ in over_usual),
        amount_at_risk=sum((amount or Decimal(0) for _, over, amount in over_usual if not over), Decimal(0)),
        score=sum(days * float(amount or 0) for days, _, amount in over_usual),
        p_value=p_value,
    )


# --- bottlenecks ----------------------------------------------------------------------------------

_STEPS = """
select
    coalesce(kind, 'new_business'), shared_stage, coalesce(segment, 'unknown'), entered_at, exited_at, amount
from revenue.stage_intervals where entered_at is not null
union all
select 'lead', 'first_response', coalesce(segment, 'unknown'), created_at, first_response_at, null
from revenue.leads
union all
select 'support', 'first_reply', coalesce(segment, 'unknown'), opened_at, first_replied_at, null
from revenue.tickets
union all
select 'support', 'solution', coalesce(segment, 'unknown'), first_replied_at, solved_at, null
from revenue.tickets where first_replied_at is not null
union all
select 'task', coalesce(department, 'unknown'), 'all', opened_at, done_at, null
from entry.tasks where not is_deleted and opened_at is not null
order by all
"""

_BOTTLENECKS = {
    "period_start": "date",
    "process": "varchar",
    "step": "varchar",
    "segment": "varchar",
    "cases": "bigint",
    "ended": "bigint",
    "days": "double",
    "usual_cases": "bigint",
    "usual_days": "double",
    "excess_days": "double",
    "amount_at_risk": "decimal(38, 6)",
    "score": "double",
    "p_value": "double",
    "false_discovery_rate": "double",
    "is_bottleneck": "boolean",
}


@dataclass(frozen=True, slots=True)
class Quarter:
    """A fiscal quarter; `ends` is its last moment that exists."""

    starts_on: date
    ends: datetime

    def begins(self, quarters_earlier: int) -> datetime:
        """The first moment of a quarter so many before this one."""
        months = self.starts_on.year * 12 + self.starts_on.month - 1 - 3 * quarters_earlier
        return datetime(months // 12, months % 12 + 1, 1)


def quarters(con: duckdb.DuckDBPyConnection) -> list[Quarter]:
    """Every fiscal quarter that has begun."""
    return [
        Quarter(start, datetime.combine(last + timedelta(days=1), datetime.min.time()))
        for start, last in con.execute(
            "select period_start, last_day from revenue.reporting_periods where grain = 'quarter' order by 1"
        ).fetchall()
    ]


def bottlenecks(
    steps: Mapping[tuple[str, ...], Sequence[Stay]], quarter: Quarter
) -> Iterator[tuple[Any, ...]]:
    """A row for every step with cases that began in the quarter or the one before it."""
    found = {
        step: slowdown(stays, quarter.begins(1), quarter.ends, quarter.begins(1 + USUAL_QUARTERS))
        for step, stays in sorted(steps.items())
    }
    found = {step: each for step, each in found.items() if each.cases}
    tested = {step: each.p_value for step, each in found.items() if each.p_value is not None}
    rates = dict(zip(tested, false_discovery_rates(tested.values()), strict=True))
    for step, each in found.items():
        rate = rates.get(step)
        yield (
            quarter.starts_on,
            *step,
            each.cases,
            each.ended,
            each.days,
            each.usual_cases,
            each.usual_days,
            each.excess_days,
            each.amount_at_risk,
            each.score,
            each.p_value,
            rate,
            rate is not None and rate <= FALSE_ALARMS and each.is_slower,
        )


def write_bottlenecks(con: duckdb.DuckDBPyConnection) -> None:
    """Write `insight.bottlenecks` (grain period_start, process, step, segment)."""
    steps: dict[tuple[str, ...], list[Stay]] = defaultdict(list)
    last = max((each.ends for each in quarters(con)), default=datetime.max)
    for process, step, segment, began, ended, amount in con.execute(_STEPS).fetchall():
        if began < last:
            steps[process, step, segment].append(Stay(began, ended, amount))
    rows = [row for quarter in quarters(con) for row in bottlenecks(steps, quarter)]
    write_table(con, "bottlenecks", _BOTTLENECKS, rows)


# --- hand-offs ------------------------------------------------------------------------------------

# A state into which one department moves a case and out of which another one does.
_HANDOFFS = """
with moves as (
    select
        trim(playbook) as playbook, trim(from_state) as from_state, trim(to_state) as to_state,
        coalesce(nullif(trim(department), ''), 'nobody') as department,
        try_cast(max_days as double) as max_days
    from rules.playbook
),
states as (
    select
        out.playbook, out.from_state as state, before.department as from_department,
        out.department as to_department, max(out.max_days) as max_days
    from moves as out
    inner join moves as before on out.playbook = before.playbook and out.from_state = before.to_state
    where out.department <> before.department
    group by all
),
followed as (
    select
        *,
        lead(occurred_at) over (partition by case_id order by sequence) as next_at,
        lead(department) over (partition by case_id order by sequence) as next_department
    from revenue.process_events
),
-- a state the log never shows is not measured: nobody records it
measured as (
    select distinct moves.playbook, moves.from_state
    from moves inner join revenue.process_events as events
        on moves.playbook = events.playbook and moves.to_state = events.state
)
select
    states.from_department, states.to_department, states.state, states.max_days, followed.occurred_at,
    followed.next_at, followed.next_department, followed.region, followed.segment, followed.amount
from followed
inner join states on followed.playbook = states.playbook and followed.state = states.state
inner join measured on states.playbook = measured.playbook and states.state = measured.from_state
order by states.from_department, states.to_department, followed.occurred_at, followed.event_id
"""

_HANDOFF_COLUMNS = {
    "period_start": "date",
    "from_department": "varchar",
    "to_department": "varchar",
    "handed_over": "bigint",
    "taken_over": "bigint",
    "taken_by_others": "bigint",
    "dropped": "bigint",
    "late": "bigint",
    "max_days": "double",
    "days": "double",
    "usual_days": "double",
    "amount_waiting": "decimal(38, 6)",
    "worst_dimension": "varchar",
    "worst_value": "varchar",
    "worst_cases": "bigint",
    "worst_days": "double",
    "worst_usual_days": "double",
    "p_value": "double",
    "false_discovery_rate": "double",
    "is_stalled": "boolean",
}


@dataclass(frozen=True, slots=True)
class Handover:
    """One case handed from one department to another."""

    stay: Stay
    max_days: float | None
    taken_by: str | None
    slices: tuple[tuple[str, str], ...]


def handoffs(
    handed: Mapping[tuple[str, str], Sequence[Handover]], quarter: Quarter
) -> Iterator[tuple[Any, ...]]:
    """A row for every pair of departments with cases handed over in the quarter."""
    first, usual_from = quarter.begins(0), quarter.begins(USUAL_QUARTERS)
    found: dict[tuple[str, str], dict[tuple[str, str], Slowdown]] = {}
    for pair, handovers in sorted(handed.items()):
        sliced: dict[tuple[str, str], list[Stay]] = defaultdict(list)
        for each in handovers:
            for one in each.slices:
                sliced[one].append(each.stay)
        compared = {
            one: slowdown(stays, first, quarter.ends, usual_from) for one, stays in sorted(sliced.items())
        }
        if compared["all", "all"].cases:
            found[pair] = compared
    tested = [
        (pair, one)
        for pair, compared in found.items()
        for one, each in compared.items()
        if each.p_value is not None
    ]
    p_values = [found[pair][one].p_value or 0.0 for pair, one in tested]
    rates = dict(zip(tested, false_discovery_rates(p_values), strict=True))
    for pair, compared in found.items():
        own = [each for each in handed[pair] if first <= each.stay.began < quarter.ends]
        waits = [(each, *each.stay.until(quarter.ends)) for each in own]
        total = compared["all", "all"]
        candidates = sorted(
            (one for one in compared if (pair, one) in rates),
            key=lambda one: (rates[pair, one], not compared[one].is_slower, -compared[one].times_usual, one),
        )
        worst = candidates[0] if candidates else None
        slowest = compared[worst] if worst else None
        rate = rates[pair, worst] if worst else None
        limits = [each.max_days for each in own if each.max_days is not None]
        yield (
            quarter.starts_on,
            *pair,
            len(own),
            sum(taken for _, _, taken in waits),
            sum(taken and each.taken_by not in (None, pair[1]) for each, _, taken in waits),
            sum(
                not taken and each.max_days is not None and days > each.max_days
                for each, days, taken in waits
            ),
            sum(each.max_days is not None and days > each.max_days for each, days, _ in waits),
            max(limits) if limits else None,
            total.days,
            total.usual_days,
            sum((each.stay.amount or Decimal(0) for each, _, taken in waits if not taken), Decimal(0)),
            *(worst or (None, None)),
            slowest.cases if slowest else None,
            slowest.days if slowest else None,
            slowest.usual_days if slowest else None,
            slowest.p_value if slowest else None,
            rate,
            rate is not None and rate <= FALSE_ALARMS and slowest is not None and slowest.is_slower,
        )


def write_handoffs(con: duckdb.DuckDBPyConnection) -> None:
    """Write `insight.handoffs` (grain period_start, from_department, to_department)."""
    handed: dict[tuple[str, str], list[Handover]] = defaultdict(list)
    for row in con.execute(_HANDOFFS).fetchall():
        giver, taker, state, max_days, at, next_at, next_department, region, segment, amount = row
        slices = (("all", "all"), ("region", region), ("segment", segment), ("state", state))
        handed[giver, taker].append(Handover(Stay(at, next_at, amount), max_days, next_department, slices))
    rows = [row for quarter in quarters(con) for row in handoffs(handed, quarter)]
    write_table(con, "handoffs", _HANDOFF_COLUMNS, rows)
