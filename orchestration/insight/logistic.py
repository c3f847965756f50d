"""Logistic regression on words and numbers, by Newton's method."""

from __future__ import annotations

import numpy as np

from orchestration.insight.panel import Panel

MOST_REASONS = 3
_RARE = 15


class Model:
    """Weights learned from a panel; each number is also squared."""

    def __init__(self, seen: Panel, penalty: float) -> None:
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
        self._weights = fitted(design, seen.label, penalty)
        self._centre = design.mean(axis=0)
        self._shift, self._slope = 0.0, 1.0

    def calibrate(self, shift: float, slope: float) -> None:
        """Stretch and shift the log odds from now on."""
        self._shift, self._slope = shift, slope

    def odds(self, panel: Panel) -> np.ndarray:
        """Log odds of every row."""
        return np.asarray(self._shift + self._slope * (self._design(panel) @ self._weights))

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


def calibration(odds: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Shift and slope that fit log odds to what came (Platt's scaling)."""
    shift, slope = fitted(np.column_stack([np.ones(len(odds)), odds]), label, 0.0)
    return float(shift), float(max(slope, 0.0))


def chances(odds: np.ndarray) -> np.ndarray:
    """Probabilities of log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))))


def fitted(design: np.ndarray, label: np.ndarray, penalty: float) -> np.ndarray:
    """Weights; the first column is the constant and is not penalised."""
    weights = np.zeros(design.shape[1])
    ridge = np.full(design.shape[1], penalty)
    ridge[0] = 0.0
    for _ in range(30):
        chance = chances(design @ weights)
        slope = design.T @ (label - chance) - ridge * weights
        bend = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge + 1e-6)
        step = np.clip(np.linalg.solve(bend, slope), -3, 3)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    return weights
