"""Worked examples of models that are functions of plain numbers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from orchestration.insight import retention_curves

Inputs = Mapping[str, Any]
Numbers = dict[str, Any]


def retention_sbg(inputs: Inputs) -> Numbers:
    """Fitted to the share of customers left after 0, 1, 2 … periods."""
    shares = inputs.get("survival_pct_year_0_to_7", inputs.get("survival_pct"))
    # of a thousand customers: percent with one decimal are whole ones
    left = [round(share * 10) for share in shares]
    last = len(left) - 1
    lost = {period: left[period - 1] - left[period] for period in range(1, last + 1)}
    curve = retention_curves.fit({last: left[last]}, lost)
    ahead = inputs.get("h") or len(inputs.get("holdout_pct_year_8_to_12", ()))
    survival = curve.survival(np.arange(last + 1, last + 1 + ahead, dtype=float))
    return {
        "alpha": curve.alpha,
        "beta": curve.beta,
        "survival_model_year_8_to_12": list(survival),
        "projection_pct": list(survival * 100),
    }


FUNCTIONS: Mapping[str, Callable[[Inputs], Numbers]] = {"retention_sbg": retention_sbg}
