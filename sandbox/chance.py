"""Random numbers that depend on who is asking, never on when or in which order.

Every entity draws from a stream of its own, so one more company, or one more day, moves nobody else's dice.
"""

import hashlib
import math
from collections.abc import Mapping
from random import Random
from typing import TypeVar

T = TypeVar("T")


def _digest(seed: int, key: tuple[object, ...]) -> int:
    text = "|".join(str(part) for part in (seed, *key))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def stream(seed: int, *key: object) -> Random:
    """The stream of one entity, e.g. `stream(7, "deal", "D00012")`."""
    return Random(_digest(seed, key))


def coin(seed: int, *key: object) -> float:
    """One number in [0, 1) for one key: cheaper than a stream where a single draw is all that is needed."""
    return _digest(seed, key) / 2**64


def pick(rng: Random, weights: Mapping[T, float]) -> T:
    """A key of `weights`, as likely as its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def days_around(rng: Random, median: float, spread: float = 0.5) -> int:
    """Whole days, log-normal around the median, never negative."""
    return round(median * math.exp(rng.gauss(0.0, spread)))
