"""Features that give the outcome away: fields filled in because of it, not before it. A model that may use
one is excellent on the past and useless tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from orchestration.insight.measures import losses
from orchestration.insight.panel import Panel

# A single feature that explains this share of all uncertainty is no forecast.
_TOO_GOOD = 0.5
# That a value is there at all, or missing, may not tell the outcome: this many contrary cases were to be
# expected and none came.
_CONTRARY_EXPECTED = 10.0
_GROUPS = 20
UNKNOWN = "unknown"


def giveaways(panel: Panel) -> list[str]:
    """Names of the features that all but determine what came, in order."""
    if not 0 < panel.label.sum() < len(panel.label):
        return []
    return sorted(
        name
        for name, values, is_known in _features(panel)
        if _explained(values, panel) > _TOO_GOOD or _presence_tells(is_known, panel)
    )


def _features(panel: Panel) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, group of the value and whether it is known, of every row."""
    for name, words in panel.words.items():
        texts = words.astype(str)
        yield name, np.unique(texts, return_inverse=True)[1], texts != UNKNOWN
    for name, numbers in panel.numbers.items():
        is_known = ~np.isnan(numbers)
        group = np.full(len(numbers), _GROUPS)
        if is_known.any():
            edges = np.unique(np.quantile(numbers[is_known], np.linspace(0, 1, _GROUPS + 1)[1:-1]))
            group[is_known] = np.searchsorted(edges, numbers[is_known], side="right")
        yield name, group, is_known


def _explained(group: np.ndarray, panel: Panel) -> float:
    """Share of the log-loss of the base rate that the value alone explains, each case foretold from the
    others.
    """
    base = panel.label.mean()
    _, own = np.unique(np.column_stack([group, panel.group]), axis=0, return_inverse=True)
    own = own.ravel()
    came = np.bincount(group, panel.label)[group] - np.bincount(own, panel.label)[own]
    seen = np.bincount(group)[group] - np.bincount(own)[own]
    told = losses((came + base) / (seen + 1), panel.label).mean()
    return float(1 - told / losses(np.full(len(group), base), panel.label).mean())


def _presence_tells(is_known: np.ndarray, panel: Panel) -> bool:
    """Whether all cases of which the value is known, or is not, came to the same end."""
    share = {label: panel.cases(label) / max(len(np.unique(panel.group)), 1) for label in (0.0, 1.0)}
    for chosen in (is_known, ~is_known):
        if chosen.all() or not chosen.any():
            continue
        part = panel.rows(chosen)
        cases = len(np.unique(part.group))
        if any(not part.cases(each) and cases * share[each] >= _CONTRARY_EXPECTED for each in share):
            return True
    return False
