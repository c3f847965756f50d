"""How good probabilities were, and how good they can look by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_GROUPS = 10
_DRAWS = 200
_SEED = 20260101


@dataclass(frozen=True)
class Measures:
    """How good probabilities were. `calibration_noise` is the calibration error right ones would have too."""

    cases: int
    positives: int
    log_loss: float
    brier: float
    calibration_error: float
    calibration_noise: float
    area: float
    lift: float


def measure(chances: np.ndarray, came: np.ndarray, case: np.ndarray | None = None) -> Measures:
    """Measures of probabilities against what came; `case` tells rows of the same case."""
    order = np.argsort(-chances, kind="stable")
    top = order[: max(len(order) // 10, 1)]
    return Measures(
        cases=len(came),
        positives=int(came.sum()),
        log_loss=float(losses(chances, came).mean()),
        brier=float(((chances - came) ** 2).mean()),
        calibration_error=calibration_error(chances, came),
        calibration_noise=_calibration_noise(chances, np.arange(len(came)) if case is None else case),
        area=_area(chances, came),
        lift=float(came[top].mean() / came.mean()) if came.any() else 0.0,
    )


def losses(chances: np.ndarray, came: np.ndarray) -> np.ndarray:
    """Negative logarithm of the chance given to what came."""
    bounded = np.clip(chances, 1e-6, 1 - 1e-6)
    return np.asarray(-(came * np.log(bounded) + (1 - came) * np.log(1 - bounded)))


def calibration_error(chances: np.ndarray, came: np.ndarray) -> float:
    """Mean distance of probability and frequency over ten groups of equal size; equal chances stay
    together.
    """
    edges = np.quantile(chances, np.linspace(0, 1, _GROUPS + 1)[1:-1])
    group = np.searchsorted(edges, chances, side="right")
    off = np.bincount(group, chances - came, minlength=_GROUPS)
    return float(np.abs(off).sum() / max(len(came), 1))


def gain_beyond_chance(losses_before: np.ndarray, losses_after: np.ndarray, case: np.ndarray) -> float:
    """Mean gain of a case in standard errors; rows of one case count as one."""
    if not len(case):
        return 0.0
    _, place = np.unique(case, return_inverse=True)
    gains = np.bincount(place, losses_before - losses_after)
    spread = float(gains.std(ddof=1)) if len(gains) > 1 else 0.0
    return float(gains.mean() / spread * len(gains) ** 0.5) if spread > 0 else 0.0


def _calibration_noise(chances: np.ndarray, case: np.ndarray) -> float:
    """The mean calibration error of chances that are right.

    What comes is drawn from them, once for each case: its days share their fate.
    """
    generator = np.random.default_rng(_SEED)
    _, place = np.unique(case, return_inverse=True)
    drawn = [
        calibration_error(chances, (generator.random(place.max() + 1)[place] < chances).astype(float))
        for _ in range(_DRAWS)
    ]
    return float(np.mean(drawn))


def _area(chances: np.ndarray, came: np.ndarray) -> float:
    """Chance that a case that came has the higher probability of two; ties count half."""
    _, position, counts = np.unique(chances, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[position]
    yes = int(came.sum())
    no = len(came) - yes
    return float((ranks[came == 1].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else 0.5
