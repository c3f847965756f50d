"""The pinned weights: a model in Splink's own format, said as SQL. Splink itself is needed to train, not to
run.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.identity.policy import Entity

_FOLDER = Path(__file__).parent / "model"


@dataclass(frozen=True)
class Weight:
    """One level of a comparison: bits for a match, and the column whose rarity adjusts them."""

    name: str
    condition: str
    bits: float
    frequency: str | None
    frequency_base: float
    frequency_floor: float


@dataclass(frozen=True)
class Model:
    """Weights by comparison and level; level -1 is 'not known' and weighs nothing."""

    version: str
    comparisons: dict[str, tuple[Weight, ...]]
    nulls: dict[str, str]

    @property
    def columns(self) -> list[str]:
        """Columns that are compared."""
        text = " ".join(w.condition for ws in self.comparisons.values() for w in ws) + " ".join(
            self.nulls.values()
        )
        return sorted(set(re.findall(r'"(\w+)_[lr]"', text)))

    @property
    def frequencies(self) -> list[str]:
        """Columns whose rarity counts."""
        return sorted({w.frequency for ws in self.comparisons.values() for w in ws if w.frequency})

    def level_sql(self, comparison: str) -> str:
        """The number of the level of a pair, as a CASE over columns with the endings _l and _r."""
        branches = [f"when {self.nulls[comparison]} then -1"] if comparison in self.nulls else []
        for number, weight in enumerate(self.comparisons[comparison]):
            if weight.condition.upper() != "ELSE":
                branches.append(f"when {weight.condition} then {number}")
        return f"cast(case {' '.join(branches)} else {len(self.comparisons[comparison]) - 1} end as tinyint)"

    def number(self, comparison: str, level: str) -> int:
        """The number of a level by its name."""
        return next(n for n, w in enumerate(self.comparisons[comparison]) if w.name == level)

    def bits_sql(self, comparison: str) -> str:
        """The bits of a level, adjusted by the rarity tf_<column> of what both have, as Splink does it."""
        branches = []
        for number, weight in enumerate(self.comparisons[comparison]):
            bits = f"cast({weight.bits!r} as double)"
            if weight.frequency:
                rarity = f"greatest(tf_{weight.frequency}, cast({weight.frequency_floor!r} as double))"
                bits += (
                    f" + coalesce(cast({math.log2(weight.frequency_base)!r} as double) - log2({rarity}), 0)"
                )
            branches.append(f"when {number} then {bits}")
        return f"(case {comparison} {' '.join(branches)} else cast(0 as double) end)"


@cache
def load(kind: Entity) -> Model:
    """The model of a kind, as pinned in the repository."""
    return parse(json.loads((_FOLDER / f"{kind}.json").read_text(encoding="utf-8")))


def parse(document: dict[str, Any]) -> Model:
    """A Splink model as weights."""
    comparisons: dict[str, tuple[Weight, ...]] = {}
    nulls: dict[str, str] = {}
    for comparison in document["comparisons"]:
        name = comparison["output_column_name"]
        levels = comparison["comparison_levels"]
        nulls.update((name, level["sql_condition"]) for level in levels if level.get("is_null_level"))
        weighed = [level for level in levels if not level.get("is_null_level")]
        comparisons[name] = tuple(_weight(level, weighed) for level in weighed)
    return Model(document.get("model_version", ""), comparisons, nulls)


def _weight(level: dict[str, Any], among: list[dict[str, Any]]) -> Weight:
    column = level.get("tf_adjustment_column")
    base = 1.0
    if column:
        exact = f'"{column}_l" = "{column}_r"'
        base = next(each["u_probability"] for each in among if each["sql_condition"] == exact)
    return Weight(
        level["label_for_charts"],
        level["sql_condition"],
        math.log2(level["m_probability"] / level["u_probability"]),
        column,
        base,
        level.get("tf_minimum_u_value", 0.0),
    )
