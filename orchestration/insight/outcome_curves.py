"""Outcome curves: by when is a deal won or lost, how long does a customer stay?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import numpy as np

from orchestration.insight import retention_curves
from orchestration.insight.survival import Step, aalen_johansen, kaplan_meier, log_rank, share_at
from orchestration.insight.tables import write_table

MINIMUM_CASES = 20
DAYS_PER_STEP = 30
MOST_STEPS = 24
MONTHS_PROJECTED = 60

COLUMNS = {
    "subject": "varchar",
    "outcome": "varchar",
    "dimension": "varchar",
    "dimension_value": "varchar",
    "elapsed_days": "bigint",
    "cases": "bigint",
    "at_risk": "bigint",
    "share": "double",
    "share_low": "double",
    "share_high": "double",
    "modelled": "double",
    "modelled_low": "double",
    "modelled_high": "double",
    "model": "varchar",
    "differs_p_value": "double",
}

Row = tuple[object, ...]


def write(con: duckdb.DuckDBPyConnection, as_of: date) -> int:
    """Write `insight.outcome_curves` (grain subject, outcome, dimension, dimension_value, elapsed_days);
    returns its rows. A slice with too few cases has no curve.
    """
    rows = [*_deals(con, as_of), *_customers(con, as_of)]
    return write_table(con, "outcome_curves", COLUMNS, rows)


def _deals(con: duckdb.DuckDBPyConnection, as_of: date) -> list[Row]:
    """Deals from their opening: won and lost exclude each other, open ones are still waiting."""
    deals = con.execute(
        """
        select
            coalesce(kind, 'unknown'), coalesce(segment, 'unknown'), coalesce(region, 'unknown'),
            opened_on, closed_on, is_closed, is_won
        from revenue.opportunities
        where opened_on is not null and (not is_closed or closed_on >= opened_on)
        order by opportunity_id
        """
    ).fetchall()
    slices: dict[tuple[str, str], list[int]] = {}
    times, outcomes = [], []
    for index, (kind, segment, region, opened_on, closed_on, is_closed, is_won) in enumerate(deals):
        for slice_of in (("all", "all"), ("kind", kind), ("segment", segment), ("region", region)):
            slices.setdefault(slice_of, []).append(index)
        times.append(((closed_on if is_closed else as_of) - opened_on).days)
        outcomes.append((1 if is_won else 2) if is_closed else 0)
    rows: list[Row] = []
    for slice_of, members in sorted(slices.items()):
        if len(members) < MINIMUM_CASES:
            continue
        own_times, own_outcomes = [times[i] for i in members], [outcomes[i] for i in members]
        last = min(max(own_times) // DAYS_PER_STEP, MOST_STEPS)
        for outcome, name in ((1, "won"), (2, "lost")):
            inside = set(members)
            _, p_value = log_rank(
                times, [each == outcome for each in outcomes], [i in inside for i in range(len(deals))]
            )
            steps = aalen_johansen(own_times, own_outcomes, outcome)
            for number in range(1, last + 1):
                day = number * DAYS_PER_STEP
                at_risk = int((np.array(own_times) >= day).sum())
                observed = share_at(steps, day, start=0.0)
                counts = (day, len(members), at_risk)
                not_modelled = (None, None, None, None)
                rows.append(("deal", name, *slice_of, *counts, *_numbers(observed), *not_modelled, p_value))
    return rows


def _customers(con: duckdb.DuckDBPyConnection, as_of: date) -> list[Row]:
    """Customers from their first day, by whole months; the fitted curve goes on where nothing is observed
    yet.
    """
    stays = [stay for stay in retention_curves.stays(con) if stay.began_on <= as_of]
    slices: dict[tuple[str, str], list[int]] = {}
    for index, stay in enumerate(stays):
        for slice_of in stay.slices():
            slices.setdefault(slice_of, []).append(index)
    lives = [stay.as_known(as_of) for stay in stays]
    # lost in the month after the months survived
    times = [life.months + 1 if life.is_lost else life.months for life in lives]
    lost = [life.is_lost for life in lives]
    rows: list[Row] = []
    for slice_of, members in sorted(slices.items()):
        if len(members) < MINIMUM_CASES:
            continue
        p_value = _difference(times, lost, members, slice_of)
        own = [times[i] for i in members]
        steps = kaplan_meier(own, [lost[i] for i in members])
        curve = retention_curves.fit_lifetimes(lives[i] for i in members)
        last = max(own)
        months = np.arange(1, MONTHS_PROJECTED + 1)
        modelled: list[tuple[float | None, ...]] = [(None, None, None)] * MONTHS_PROJECTED
        name = None
        if curve is not None:
            name = "shifted beta geometric" if curve.shape == 1.0 else "beta discrete Weibull"
            low, high = curve.survival_interval(months)
            modelled = [
                tuple(round(float(number), 6) for number in numbers)
                for numbers in zip(curve.survival(months), low, high, strict=True)
            ]
        for month in range(1, (MONTHS_PROJECTED if curve else min(last, MONTHS_PROJECTED)) + 1):
            observed = _numbers(share_at(steps, month, start=1.0)) if month <= last else (None, None, None)
            at_risk = sum(1 for time in own if time >= month)
            counts = (round(month * 365 / 12), len(members), at_risk)
            fitted = (*modelled[month - 1], name)
            rows.append(("customer", "stayed", *slice_of, *counts, *observed, *fitted, p_value))
    return rows


def _difference(
    times: Sequence[float], happened: Sequence[bool], members: Sequence[int], slice_of: tuple[str, str]
) -> float | None:
    """Probability by chance of so large a difference between the members of a slice and all others."""
    if slice_of[0] == "all":
        return None
    inside = np.zeros(len(times), dtype=bool)
    inside[list(members)] = True
    return round(log_rank(times, happened, inside.tolist())[1], 6)


def _numbers(step: Step) -> tuple[float, float, float]:
    return round(step.share, 6), round(step.low, 6), round(step.high, 6)
