"""How long until something happens, where some cases are still waiting and some end another way?

Kaplan-Meier for one outcome, Aalen-Johansen for outcomes that exclude each other: a deal that was lost
will never be won, and counted as one that may still be won it would inflate the chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from orchestration.insight.retention_curves import NORMAL_95


@dataclass(frozen=True, slots=True)
class Step:
    """A moment at which the outcome happened; `share` is the share still without it (Kaplan-Meier), or
    the share that has had it (Aalen-Johansen), with its 95 % interval.
    """

    time: float
    at_risk: int
    events: int
    share: float
    low: float
    high: float


def kaplan_meier(times: Sequence[float], happened: Sequence[bool | int]) -> list[Step]:
    """Share still without the event after each time at which it happened; cases without it are still
    waiting.
    """
    counted = _counted(times, [1 if each else 0 for each in happened])
    steps: list[Step] = []
    survival, hazard_variance = 1.0, 0.0
    for time, at_risk, events, _ in counted:
        if not events:
            continue
        survival *= 1 - events / at_risk
        if survival > 0:
            hazard_variance += events / (at_risk * (at_risk - events))
            # on the scale on which the interval stays between 0 and 1
            spread = NORMAL_95 * hazard_variance**0.5 / abs(np.log(survival)) if survival < 1 else 0.0
            low, high = survival ** float(np.exp(spread)), survival ** float(np.exp(-spread))
        else:
            low, high = 0.0, steps[-1].high if steps else 1.0
        steps.append(Step(time, at_risk, events, survival, low, high))
    return steps


def median(steps: Sequence[Step]) -> float | None:
    """The first time by which half have had the event; None where that many never do within what is known."""
    return next((step.time for step in steps if step.share <= 0.5 + 1e-12), None)


def aalen_johansen(times: Sequence[float], outcomes: Sequence[int], outcome: int = 1) -> list[Step]:
    """Share that has had `outcome` by each time at which it happened; 0 stands for cases still waiting,
    every other number for an outcome that excludes this one.
    """
    own = _counted(times, [1 if each == outcome else 2 if each else 0 for each in outcomes])
    if not own:
        return []
    time, at_risk, events, others = np.array(own, dtype=float).T
    ended = events + others
    before = np.concatenate([[1.0], np.cumprod(1 - ended / at_risk)[:-1]])
    incidence = np.cumsum(before * events / at_risk)
    steps = []
    for index in np.flatnonzero(events > 0):
        past = slice(0, int(index) + 1)
        missing = incidence[index] - incidence[past]
        left = np.maximum(at_risk[past] - ended[past], 1e-12)
        variance = float(
            np.sum(missing**2 * ended[past] / (at_risk[past] * left) * (left > 1e-9))
            + np.sum(before[past] ** 2 * events[past] * (at_risk[past] - events[past]) / at_risk[past] ** 3)
            - 2 * np.sum(missing * before[past] * events[past] / at_risk[past] ** 2)
        )
        share = float(incidence[index])
        low, high = _within_bounds(share, max(variance, 0.0) ** 0.5)
        steps.append(Step(float(time[index]), int(at_risk[index]), int(events[index]), share, low, high))
    return steps


def log_rank(
    times: Sequence[float], happened: Sequence[bool | int], in_group: Sequence[bool]
) -> tuple[float, float]:
    """Chi square, with one degree of freedom, and probability of so large a difference between a group
    and the others by chance.
    """
    at, event, group = np.asarray(times, float), np.asarray(happened, bool), np.asarray(in_group, bool)
    surplus = variance = 0.0
    for moment in np.unique(at[event]):
        waiting = at >= moment
        now = event & (at == moment)
        many, own, events = waiting.sum(), (waiting & group).sum(), now.sum()
        surplus += (now & group).sum() - events * own / many
        if many > 1:
            variance += events * (own / many) * (1 - own / many) * (many - events) / (many - 1)
    if variance <= 0:
        return 0.0, 1.0
    chi_square = float(surplus**2 / variance)
    return chi_square, float(chdtrc(1, chi_square))


def share_at(steps: Sequence[Step], time: float, *, start: float) -> Step:
    """The step in force at a time; before the first one, `start` (1 for Kaplan-Meier, 0 for
    Aalen-Johansen).
    """
    found = Step(0.0, 0, 0, start, start, start)
    for step in steps:
        if step.time > time:
            break
        found = step
    return found


def _counted(times: Sequence[float], outcomes: Sequence[int]) -> list[tuple[float, int, int, int]]:
    """Time, cases at risk just before it, events and competing events at it, for every time in order."""
    at, outcome = np.asarray(times, dtype=float), np.asarray(outcomes, dtype=int)
    moments, position = np.unique(at, return_inverse=True)
    size = len(moments)
    leaving = np.bincount(position, minlength=size)
    at_risk = leaving[::-1].cumsum()[::-1]
    events = np.bincount(position[outcome == 1], minlength=size)
    others = np.bincount(position[outcome == 2], minlength=size)
    return [(float(moments[i]), int(at_risk[i]), int(events[i]), int(others[i])) for i in range(size)]


def _within_bounds(share: float, deviation: float) -> tuple[float, float]:
    """95 % interval of a share between 0 and 1, symmetric in log(-log)."""
    if not 0 < share < 1:
        return share, share
    spread = NORMAL_95 * deviation / (share * abs(float(np.log(share))))
    return share ** float(np.exp(spread)), share ** float(np.exp(-spread))
