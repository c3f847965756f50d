"""Chances learned from the past by a logistic model that has to show, on days later than those it learned
from, that it beats the base rate and that its chances mean what they say; or it is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from orchestration.insight.giveaways import giveaways
from orchestration.insight.logistic import Model, calibration, chances
from orchestration.insight.measures import Measures, gain_beyond_chance, losses, measure
from orchestration.insight.panel import Panel

MINIMUM_CASES = 50
MOST_CALIBRATION_ERROR = 0.05
# One-sided, 19 times of 20.
BEYOND_CHANCE = 1.645
_TESTS = 12
# Pull of the weights towards nothing.
PENALTY = 20.0


@dataclass(frozen=True)
class Foretold:
    """Chances given on past days to cases decided since, the base rates of those days, and what came."""

    chances: np.ndarray
    base: np.ndarray
    came: np.ndarray
    case: np.ndarray


@dataclass(frozen=True)
class Learned:
    """A model, its measures on later days beside those of the base rate and of another forecast, and whether
    it may be shown; where not, `needs` says what is missing. `refused` are features that give the outcome
    away.
    """

    model: Model | None
    base_rate: float | None
    measures: Mapping[str, Measures]
    needs: str | None
    refused: Sequence[str] = ()
    foretold: Foretold | None = None

    @property
    def is_shown(self) -> bool:
        return self.model is not None and self.needs is None


@dataclass(frozen=True)
class Walk:
    """Log odds of every row from a model that knew only what was decided before its day: as they came,
    calibrated, and whichever was better until then; and the base rate. nan where nothing could be learned
    yet.
    """

    raw: np.ndarray
    calibrated: np.ndarray
    chosen: np.ndarray
    base: np.ndarray


def learn(panel: Panel, rival: np.ndarray | None = None) -> Learned:
    """Learn from all rows that are decided, after a walk through their days has shown that it works.

    `rival` are probabilities of somebody else, nan where there is none.
    """
    decided = ~np.isnan(panel.label)
    known = panel.rows(decided)
    base = float(known.label.mean()) if len(known.label) else None
    fewest = min(known.cases(0.0), known.cases(1.0))
    if fewest < MINIMUM_CASES:
        kind = "with" if known.cases(1.0) == fewest else "without"
        return Learned(None, base, {}, f"{MINIMUM_CASES} cases {kind} the outcome; there are {fewest}")
    refused = giveaways(known)
    known = known.without(refused)
    walk = _walk(known)
    tested = ~np.isnan(walk.chosen)
    proof = known.rows(tested)
    if not 0 < proof.label.sum() < len(proof.label):
        return Learned(None, base, {}, "outcomes that were decided before later cases began", refused)
    past = Foretold(chances(walk.chosen[tested]), walk.base[tested], proof.label, proof.group)
    found = {
        "model": measure(past.chances, past.came, past.case),
        "base_rate": measure(past.base, past.came, past.case),
    }
    if rival is not None and not np.isnan(other := rival[decided][tested]).any():
        found["source"] = measure(other, proof.label, proof.group)
    model = Model(known, PENALTY)
    if _is_calibration_better(walk, known, tested):
        model.calibrate(*calibration(walk.raw[tested], proof.label))
    gain = gain_beyond_chance(losses(past.base, past.came), losses(past.chances, past.came), past.case)
    return Learned(model, base, found, _needs(found["model"], gain), refused, past)


def _needs(found: Measures, gain: float) -> str | None:
    if gain < BEYOND_CHANCE:
        return "a smaller log-loss than the base rate on later cases, beyond chance"
    off = found.calibration_error - found.calibration_noise
    if off > MOST_CALIBRATION_ERROR:
        return (
            f"chances right within {MOST_CALIBRATION_ERROR} on later cases; off by {off:.2f} more than chance"
        )
    return None


def _walk(known: Panel) -> Walk:
    """Foretell block after block of days, each from what was decided by its first day."""
    raw, calibrated, chosen, base = (np.full(len(known.day), np.nan) for _ in range(4))
    walk = Walk(raw, calibrated, chosen, base)
    for start, block in _blocks(known):
        before = known.known_on <= start
        seen = known.rows(before)
        raw[block] = calibrated[block] = Model(seen, PENALTY).odds(known.rows(block))
        past = before & ~np.isnan(chosen)
        tested = known.rows(past)
        if min(tested.cases(0.0), tested.cases(1.0)) >= MINIMUM_CASES:
            shift, slope = calibration(raw[past], tested.label)
            calibrated[block] = shift + slope * raw[block]
        chosen[block] = (calibrated if _is_calibration_better(walk, known, past) else raw)[block]
        base[block] = seen.label.mean()
    return walk


def _is_calibration_better(walk: Walk, known: Panel, tested: np.ndarray) -> bool:
    """Whether calibrated chances have foretold better beyond chance."""
    label = known.label[tested]
    before, after = (losses(chances(odds[tested]), label) for odds in (walk.raw, walk.calibrated))
    return gain_beyond_chance(before, after, known.group[tested]) >= BEYOND_CHANCE


def _blocks(known: Panel) -> Iterator[tuple[int, np.ndarray]]:
    """First day and rows of each block, from the day on that half the cases needed are decided."""
    days = np.unique(known.day)
    enough = [
        day
        for day in days
        if min(known.rows(known.known_on <= day).cases(each) for each in (0.0, 1.0)) >= MINIMUM_CASES // 2
    ]
    if not enough:
        return
    starts = [int(block[0]) for block in np.array_split(enough, min(_TESTS, len(enough)))]
    for start, end in pairwise([*starts, int(days[-1]) + 1]):
        yield start, (known.day >= start) & (known.day < end)
