"""Which team needs support: compared with its peers and with its own past, on like cases, and only where the
difference is neither chance nor small.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np

from orchestration.insight.guards import false_discovery_rates, permutation_p, survival_scores
from orchestration.insight.process import FALSE_ALARMS, USUAL_QUARTERS, Quarter, quarters
from orchestration.insight.tables import write_table

MINIMUM_CASES = 10
WORSE_BY = 0.2  # of the value compared with: less is not worth a meeting


@dataclass(frozen=True, slots=True)
class Case:
    """One piece of a team's work: a share counts 0 or 1, a duration days; `stratum` names what it is like."""

    on: date
    team: str
    stratum: str
    value: float
    is_censored: bool = False


# KPI → whether more is better, and the cases. Durations end with the as-of day where they have not ended.
_CASES: Mapping[str, tuple[bool, str]] = {
    "win_rate": (
        True,
        """
        select closed_on, team, coalesce(kind, 'new_business') || coalesce(segment, ''),
            case when is_won then 1.0 else 0.0 end, false
        from revenue.opportunities where is_closed and closed_on is not null and team is not null
        """,
    ),
    # of the stays in an open stage that ended, those that led further: more cases than deals decided
    "stage_conversion": (
        True,
        """
        select exited_on, team, coalesce(kind, 'new_business') || shared_stage || coalesce(segment, ''),
            case when coalesce(next_order > stage_order, is_won) then 1.0 else 0.0 end, false
        from (
            select
                stays.*, deals.is_won,
                lead(stays.stage_order) over (
                    partition by stays.opportunity_id order by stays.sequence
                ) as next_order
            from revenue.stage_intervals as stays
            inner join revenue.opportunities as deals on stays.opportunity_id = deals.opportunity_id
        )
        where exited_on is not null and team is not null
        """,
    ),
    "sales_cycle_length": (
        False,
        """
        select closed_on, team, coalesce(kind, 'new_business') || coalesce(segment, ''),
            cast(date_diff('day', opened_on, closed_on) as double), false
        from revenue.opportunities
        where is_won and opened_on <= closed_on and team is not null and coalesce(kind, '') <> 'renewal'
        """,
    ),
    "lead_response_time": (
        False,
        """
        select created_on, team, coalesce(segment, ''),
            epoch(coalesce(first_response_at, (select max(last_day) + 1 from revenue.reporting_periods))
                - created_at) / 86400, first_response_at is null
        from revenue.leads where team is not null
        """,
    ),
    "first_reply_time": (
        False,
        """
        select opened_on, team, coalesce(segment, ''),
            epoch(coalesce(first_replied_at, (select max(last_day) + 1 from revenue.reporting_periods))
                - opened_at) / 86400, first_replied_at is null
        from revenue.tickets where team is not null
        """,
    ),
}

_COLUMNS = {
    "period_start": "date",
    "team": "varchar",
    "kpi": "varchar",
    "cases": "bigint",
    "actual": "double",
    "peer_cases": "bigint",
    "peers": "double",
    "past_cases": "bigint",
    "own_past": "double",
    "peers_false_discovery_rate": "double",
    "past_false_discovery_rate": "double",
    "is_behind_peers": "boolean",
    "is_behind_own_past": "boolean",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A team's cases of half a year against others of the same strata."""

    cases: int
    others: int
    actual: float
    other: float
    p_value: float | None
    more_is_better: bool

    @property
    def is_worse(self) -> bool:
        """Whether the difference is large enough to matter, by chance or not."""
        gap = self.other - self.actual if self.more_is_better else self.actual - self.other
        return gap > WORSE_BY * abs(self.other)


def compare(own: Sequence[Case], others: Sequence[Case], more_is_better: bool) -> Comparison | None:
    """Compare on the strata both have; the others' value is weighted like the team's cases."""
    shared = {case.stratum for case in own} & {case.stratum for case in others}
    mine = [case for case in own if case.stratum in shared]
    theirs = [case for case in others if case.stratum in shared]
    if len(mine) < MINIMUM_CASES or len(theirs) < MINIMUM_CASES:
        return None
    both = mine + theirs
    values = np.array([case.value for case in both], dtype=float)
    strata = np.array([case.stratum for case in both])
    is_mine = np.arange(len(both)) < len(mine)
    if more_is_better:
        scores = values
    else:
        scores = np.zeros(len(both))
        ended = np.array([not case.is_censored for case in both], dtype=float)
        for stratum in shared:
            inside = strata == stratum
            scores[inside] = survival_scores(values[inside], ended[inside])
    weights = {stratum: np.mean(strata[is_mine] == stratum) for stratum in shared}
    typical = np.mean if more_is_better else np.median
    return Comparison(
        len(mine),
        len(theirs),
        float(sum(weights[s] * typical(values[is_mine & (strata == s)]) for s in sorted(shared))),
        float(sum(weights[s] * typical(values[~is_mine & (strata == s)]) for s in sorted(shared))),
        permutation_p(scores, is_mine, strata),
        more_is_better,
    )


def support(
    cases: Mapping[str, tuple[bool, Sequence[Case]]], departments: Mapping[str, str], quarter: Quarter
) -> Iterator[tuple[Any, ...]]:
    """A row per team and KPI for which there are cases in the quarter and the one before it."""
    first, last = quarter.begins(1).date(), quarter.ends.date()
    usual_from = quarter.begins(1 + USUAL_QUARTERS).date()
    found: dict[tuple[str, str], tuple[int, Comparison | None, Comparison | None]] = {}
    for kpi, (more_is_better, all_cases) in cases.items():
        window: dict[str, list[Case]] = defaultdict(list)
        before: dict[str, list[Case]] = defaultdict(list)
        for case in all_cases:
            if first <= case.on < last:
                window[case.team].append(case)
            elif usual_from <= case.on < first:
                before[case.team].append(case)
        for team, own in sorted(window.items()):
            peers = [
                case
                for other, theirs in window.items()
                if other != team and departments.get(other) == departments.get(team)
                for case in theirs
            ]
            found[team, kpi] = (
                len(own),
                compare(own, peers, more_is_better),
                compare(own, before[team], more_is_better),
            )
    tests = [
        (key, place)
        for key, (_, *both) in found.items()
        for place, each in enumerate(both)
        if each is not None
    ]
    p_values = [found[key][1 + place].p_value for key, place in tests]  # type: ignore[union-attr]
    rates = dict(zip(tests, false_discovery_rates(p or 0.0 for p in p_values), strict=True))
    for (team, kpi), (many, by_peers, by_past) in found.items():
        rate = [rates.get(((team, kpi), place)) for place in (0, 1)]
        behind = [
            each is not None and each.is_worse and q is not None and q <= FALSE_ALARMS
            for each, q in zip((by_peers, by_past), rate, strict=True)
        ]
        compared = by_peers or by_past
        yield (
            quarter.starts_on,
            team,
            kpi,
            many,
            compared.actual if compared else None,
            by_peers.others if by_peers else 0,
            by_peers.other if by_peers else None,
            by_past.others if by_past else 0,
            by_past.other if by_past else None,
            *rate,
            *behind,
        )


def write(con: duckdb.DuckDBPyConnection) -> None:
    """Write `insight.team_comparisons` (grain period_start, team, kpi)."""
    departments = dict(
        con.execute(
            "select team, min(department) from revenue.users where team is not null group by team"
        ).fetchall()
    )
    cases = {
        kpi: (more_is_better, [Case(*row) for row in con.execute(f"{sql} order by all").fetchall()])
        for kpi, (more_is_better, sql) in _CASES.items()
    }
    rows = [row for quarter in quarters(con) for row in support(cases, departments, quarter)]
    write_table(con, "team_comparisons", _COLUMNS, rows)
