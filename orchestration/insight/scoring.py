"""Chances learned from the past: a calibrated logistic model that has to beat the base rate on later days
than it learned from, or is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

MINIMUM_POSITIVES = 50
HOLD_OUT_SHARE = 0.3
PENALTY = 10.0
MOST_REASONS = 3
_BINS = 10
_RARE = 15


@dataclass(frozen=True)
class Panel:
    """One row per case and day it is looked at: what was known on that day, and, where it is known by
    now, what came.

    `words` and `numbers` are the features by name; an empty word or number is unknown. `label` is nan
    where it is not decided. `group` tells rows of one case on several days.
    """

    day: np.ndarray
    group: np.ndarray
    label: np.ndarray
    words: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]

    def rows(self, chosen: np.ndarray) -> Panel:
        """Some of the rows."""
        return Panel(
            self.day[chosen],
            self.group[chosen],
            self.label[chosen],
            {name: values[chosen] for name, values in self.words.items()},
            {name: values[chosen] for name, values in self.numbers.items()},
        )


@dataclass(frozen=True)
class Measures:
    """How good probabilities were."""

    cases: int
    positives: int
    log_loss: float
    brier: float
    calibration_error: float
    area: float
    lift: float


class Model:
    """Logistic regression on words and numbers, each number also squared."""

    def __init__(self, seen: Panel) -> None:
        self._words = {
            name: [
                w
                for w, n in zip(*np.unique(values.astype(str), return_counts=True), strict=True)
                if n >= _RARE
            ]
            for name, values in seen.words.items()
        }
        self._scales = {}
        for name, values in seen.numbers.items():
            known = values[~np.isnan(values)]
            spread = float(known.std()) if len(known) else 0.0
            self._scales[name] = (float(known.mean()) if len(known) else 0.0, spread or 1.0)
        design = self._design(seen)
        self._weights = _logistic(design, seen.label, PENALTY)
        self._centre = design.mean(axis=0)
        self._slope, self._shift = 1.0, 0.0

    def calibrate(self, seen: Panel) -> None:
        """Stretch and shift the log odds so that they fit rows the model has not learned from."""
        odds = self._odds(seen)
        found = _logistic(np.column_stack([np.ones(len(odds)), odds]), seen.label, 0.0)
        self._shift, self._slope = float(found[0]), float(max(found[1], 0.0))

    def take_calibration(self, other: Model) -> None:
        """Stretch and shift as another model does."""
        self._slope, self._shift = other._slope, other._shift

    def chances(self, panel: Panel) -> np.ndarray:
        """Chance of every row."""
        return np.asarray(1 / (1 + np.exp(-(self._shift + self._slope * self._odds(panel)))))

    def reasons(self, panel: Panel) -> list[list[tuple[str, float]]]:
        """What moved the chance of every row most, away from that of the usual row, in log odds."""
        moved = (self._design(panel) - self._centre) * self._weights * self._slope
        names = self._features()
        owners = sorted(set(names[1:]))
        total = np.column_stack(
            [moved[:, [i for i, name in enumerate(names) if name == owner]].sum(axis=1) for owner in owners]
        )
        found = []
        for row in total:
            order = sorted(range(len(owners)), key=lambda i: (-abs(row[i]), owners[i]))[:MOST_REASONS]
            found.append([(owners[i], round(float(row[i]), 3)) for i in order])
        return found

    def _odds(self, panel: Panel) -> np.ndarray:
        return np.asarray(self._design(panel) @ self._weights)

    def _features(self) -> list[str]:
        names = ["constant"]
        for name, words in self._words.items():
            names += [name] * len(words)
        for name in self._scales:
            names += [name] * 3
        return names

    def _design(self, panel: Panel) -> np.ndarray:
        columns = [np.ones(len(panel.day))]
        for name, words in self._words.items():
            columns += [(panel.words[name].astype(str) == word).astype(float) for word in words]
        for name, (mean, spread) in self._scales.items():
            values = panel.numbers[name]
            scaled = np.clip(np.where(np.isnan(values), 0.0, (values - mean) / spread), -3, 3)
            columns += [scaled, scaled**2, np.isnan(values).astype(float)]
        return np.column_stack(columns)


@dataclass(frozen=True)
class Learned:
    """A model, its measures on the days held out beside those of the base rate and of another forecast,
    and whether it may be shown; without a model, `needs` says what is missing.
    """

    model: Model | None
    base_rate: float | None
    measures: Mapping[str, Measures]
    needs: str | None

    @property
    def is_shown(self) -> bool:
        return self.model is not None and self.needs is None


def learn(panel: Panel, horizon_days: int, rival: np.ndarray | None = None) -> Learned:
    """Learn from all rows that are decided, having shown on the latest of them that it works.

    The rows held out are the latest; what is learned from for the proof was decided before the first of
    them. `rival` are probabilities of somebody else, nan where there is none.
    """
    decided = ~np.isnan(panel.label)
    known = panel.rows(decided)
    positives = int(known.label.sum())
    distinct = len(np.unique(known.group[known.label == 1]))
    base = float(known.label.mean()) if len(known.label) else None
    if distinct < MINIMUM_POSITIVES or positives == len(known.label):
        return Learned(None, base, {}, f"{MINIMUM_POSITIVES} cases with the outcome; there are {distinct}")
    start = float(np.quantile(known.day, 1 - HOLD_OUT_SHARE))
    later = known.day >= start
    before = known.day + horizon_days < start
    proof = known.rows(later)
    seen = known.rows(before)
    if not 0 < seen.label.sum() < len(seen.label) or not 0 < proof.label.sum() < len(proof.label):
        return Learned(None, base, {}, f"cases decided {horizon_days} days before the latest ones")
    chances = _fitted(seen).chances(proof)
    measures = {
        "model": measure(chances, proof.label),
        "base_rate": measure(np.full(len(proof.label), seen.label.mean()), proof.label),
    }
    if rival is not None:
        other = rival[decided][later]
        if not np.isnan(other).any():
            measures["source"] = measure(other, proof.label)
    is_better = measures["model"].log_loss < measures["base_rate"].log_loss
    needs = None if is_better else "a smaller log-loss than the base rate on later cases"
    return Learned(_fitted(known), base, measures, needs)


def measure(chances: np.ndarray, came: np.ndarray) -> Measures:
    """Measures of probabilities against what came."""
    bounded = np.clip(chances, 1e-6, 1 - 1e-6)
    order = np.argsort(-chances, kind="stable")
    top = order[: max(len(order) // 10, 1)]
    return Measures(
        cases=len(came),
        positives=int(came.sum()),
        log_loss=float(-(came * np.log(bounded) + (1 - came) * np.log(1 - bounded)).mean()),
        brier=float(((chances - came) ** 2).mean()),
        calibration_error=_calibration_error(chances, came),
        area=_area(chances, came),
        lift=float(came[top].mean() / came.mean()) if came.any() else 0.0,
    )


def _fitted(seen: Panel) -> Model:
    """Fitted to the earlier rows and calibrated on the latest, where both hold enough of either outcome."""
    latest = seen.day >= np.quantile(seen.day, 0.75)
    parts = [seen.rows(~latest), seen.rows(latest)]
    enough = all(min(p.label.sum(), len(p.label) - p.label.sum()) >= MINIMUM_POSITIVES / 2 for p in parts)
    model = Model(seen)
    if enough:
        draft = Model(parts[0])
        draft.calibrate(parts[1])
        model.take_calibration(draft)
    return model


def _calibration_error(chances: np.ndarray, came: np.ndarray) -> float:
    """Mean distance of probability and frequency over ten groups of equal size."""
    order = np.argsort(chances, kind="stable")
    groups = np.array_split(order, _BINS)
    off = sum(abs(chances[g].mean() - came[g].mean()) * len(g) for g in groups if len(g))
    return float(off / max(len(came), 1))


def _area(chances: np.ndarray, came: np.ndarray) -> float:
    """Chance that a case that came has the higher probability of two; ties count half."""
    _, position, counts = np.unique(chances, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[position]
    yes = int(came.sum())
    no = len(came) - yes
    return float((ranks[came == 1].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else 0.5


def _logistic(design: np.ndarray, label: np.ndarray, penalty: float) -> np.ndarray:
    """Weights by Newton's method; the first column is the constant and is not penalised."""
    weights = np.zeros(design.shape[1])
    ridge = np.full(design.shape[1], penalty)
    ridge[0] = 0.0
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (label - chance) - ridge * weights
        bend = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge + 1e-6)
        step = np.clip(np.linalg.solve(bend, slope), -3, 3)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights
