"""What was known of many cases on many days, and what came of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Panel:
    """One row per case and day it is looked at: what was known on that day, and, where it is known by
    now, what came.

    `words` and `numbers` are the features by name; the word "unknown" and an empty number are unknown.
    `label` is nan where it is not decided; `known_on` is the first day on which it can be. `group` tells rows
    of one case on several days.
    """

    day: np.ndarray
    known_on: np.ndarray
    group: np.ndarray
    label: np.ndarray
    words: Mapping[str, np.ndarray]
    numbers: Mapping[str, np.ndarray]

    def rows(self, chosen: np.ndarray) -> Panel:
        """Some of the rows."""
        return Panel(
            self.day[chosen],
            self.known_on[chosen],
            self.group[chosen],
            self.label[chosen],
            {name: values[chosen] for name, values in self.words.items()},
            {name: values[chosen] for name, values in self.numbers.items()},
        )

    def without(self, features: Collection[str]) -> Panel:
        """The same rows without some of the features."""
        return replace(
            self,
            words={name: values for name, values in self.words.items() if name not in features},
            numbers={name: values for name, values in self.numbers.items() if name not in features},
        )

    def cases(self, label: float) -> int:
        """Number of cases with this outcome on some day."""
        return len(np.unique(self.group[self.label == label]))
