"""Guards against noise: permutation tests and the false discovery rate of many of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import norm

PERMUTATIONS = 1_999
_SEED = 20260101
# A p-value of the normal approximation above this is not worth drawing permutations for.
_CLEARLY_NOTHING = 0.1


def survival_scores(durations: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """Log-rank scores: whether a case ended, less what was to be expected by its time.

    Slow cases are negative; cases that still run are censored.
    """
    times, place = np.unique(durations, return_inverse=True)
    ends = np.bincount(place, ended, minlength=len(times))
    at_risk = np.bincount(place, minlength=len(times))[::-1].cumsum()[::-1]
    expected = np.cumsum(ends / at_risk)
    scores: np.ndarray = ended - expected[place]
    return scores


def permutation_p(scores: np.ndarray, is_ours: np.ndarray, strata: np.ndarray | None = None) -> float:
    """One-sided p-value that the sum of our scores is as low by chance, labels exchanged within strata."""
    groups = np.zeros(len(scores), dtype=int) if strata is None else np.unique(strata, return_inverse=True)[1]
    inner = [np.flatnonzero(groups == each) for each in range(groups.max() + 1)] if len(scores) else []
    # a stratum that is all ours, or not ours at all, says nothing
    inner = [each for each in inner if 0 < is_ours[each].sum() < len(each)]
    observed = mean = variance = 0.0
    for each in inner:
        own, ours, many = scores[each], int(is_ours[each].sum()), len(each)
        observed += float(own[is_ours[each]].sum())
        mean += ours * float(own.mean())
        variance += ours * (many - ours) / (many - 1) * float(own.var())
    if variance <= 1e-12:
        return 1.0
    approximate = float(norm.cdf((observed - mean) / variance**0.5))
    if approximate > _CLEARLY_NOTHING:
        return approximate
    generator = np.random.default_rng(_SEED)
    sums = np.zeros(PERMUTATIONS)
    for each in inner:
        ours = int(is_ours[each].sum())
        drawn = generator.random((PERMUTATIONS, len(each))).argpartition(ours - 1, axis=1)[:, :ours]
        sums += scores[each][drawn].sum(axis=1)
    return float((1 + np.count_nonzero(sums <= observed + 1e-9)) / (1 + PERMUTATIONS))


def false_discovery_rates(p_values: Iterable[float]) -> list[float]:
    """Benjamini and Hochberg (1995): the rate of false alarms among those as small as each."""
    found = np.array(list(p_values), dtype=float)
    order = np.argsort(found)
    raised = found[order] * len(found) / np.arange(1, len(found) + 1)
    rates = np.empty(len(found))
    rates[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return [float(rate) for rate in rates]


def median_time(durations: Sequence[float], ended: Sequence[bool]) -> float | None:
    """Kaplan-Meier median; None where half have not ended within what is known."""
    times, place = np.unique(np.asarray(durations, dtype=float), return_inverse=True)
    ends = np.bincount(place, np.asarray(ended, dtype=float), minlength=len(times))
    at_risk = np.bincount(place, minlength=len(times))[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - ends / at_risk)
    reached = np.flatnonzero(survival <= 0.5 + 1e-12)
    return float(times[reached[0]]) if len(reached) else None
