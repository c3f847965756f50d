"""Newton's method for the few parameters of a likelihood, with the curvature that its intervals need."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]

_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Minimum:
    """The lowest point found, the value there, and the inverse of the curvature."""

    at: np.ndarray
    value: float
    covariance: np.ndarray


def minimise(objective: Objective, start: np.ndarray, *, most_steps: int = 30) -> Minimum:
    """The lowest point of a smooth function that returns its value and its slopes."""
    at = np.array(start, dtype=float)
    value, slope = objective(at)
    bend = curvature(objective, at)
    for _ in range(most_steps):
        values, vectors = np.linalg.eigh(bend)
        # Steps lead downhill also where the function bends the wrong way, and none is longer than 2.
        step = -vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), 1e-6))
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        for _halving in range(30):
            ahead, slope_ahead = objective(at + step)
            if ahead <= value + 1e-4 * float(slope @ step):
                break
            step = step / 2
        else:
            break
        gain, at, value, slope = value - ahead, at + step, ahead, slope_ahead
        bend = curvature(objective, at)
        if gain < 1e-9 * (abs(value) + 1):
            break
    return Minimum(at, value, inverse(bend))


def curvature(objective: Objective, at: np.ndarray) -> np.ndarray:
    """Second derivatives, taken from the slopes around a point."""
    size = len(at)
    found = np.zeros((size, size))
    for index in range(size):
        shift = np.zeros(size)
        shift[index] = _STEP
        found[index] = (objective(at + shift)[1] - objective(at - shift)[1]) / (2 * _STEP)
    return (found + found.T) / 2


def inverse(bend: np.ndarray) -> np.ndarray:
    """Inverse of a curvature; a direction in which nothing changes counts as known."""
    values, vectors = np.linalg.eigh(bend)
    inverted = np.array([1 / value if value > 1e-6 else 0.0 for value in values])
    return np.asarray((vectors * inverted) @ vectors.T)
