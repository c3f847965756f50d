"""Worked examples of models that are functions of plain numbers."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np

from orchestration.insight import (
    attribution,
    other_purchase_models,
    purchases,
    retention_curves,
    survival,
)

Inputs = Mapping[str, Any]
Numbers = dict[str, Any]


# --- how long customers stay ----------------------------------------------------------------------


def retention_sbg(inputs: Inputs) -> Numbers:
    """Fitted to the share of customers left after 0, 1, 2 … periods."""
    curve, ahead = _curve(inputs, with_shape=False)
    return {
        "alpha": curve.alpha,
        "beta": curve.beta,
        "survival_model_year_8_to_12": list(ahead),
        "projection_pct": list(ahead * 100),
    }


def retention_bdw(inputs: Inputs) -> Numbers:
    """The same, where the chance to leave may grow or shrink with time."""
    curve, ahead = _curve(inputs, with_shape=True)
    return {"a": curve.alpha, "b": curve.beta, "c": curve.shape, "projection_pct": list(ahead * 100)}


def _curve(inputs: Inputs, *, with_shape: bool) -> tuple[retention_curves.RetentionCurve, np.ndarray]:
    shares = inputs.get("survival_pct_year_0_to_7", inputs.get("survival_pct"))
    # of a thousand customers: percent with one decimal are whole ones
    left = [round(share * 10) for share in shares]
    last = len(left) - 1
    lost = {period: left[period - 1] - left[period] for period in range(1, last + 1)}
    curve = retention_curves.fit({last: left[last]}, lost, with_shape=with_shape)
    ahead = inputs.get("h") or len(inputs.get("holdout_pct_year_8_to_12", ()))
    return curve, curve.survival(np.arange(last + 1, last + 1 + ahead, dtype=float))


def logrank(inputs: Inputs) -> Numbers:
    """Two groups, two curves: one and the same?"""
    first, second = inputs["group_a"], inputs["group_b"]
    statistic, chance = survival.log_rank(
        [*first["time"], *second["time"]],
        [*first["event"], *second["event"]],
        [True] * len(first["time"]) + [False] * len(second["time"]),
    )
    return {"chi2": statistic, "df": 1, "p_value": chance}


# --- what customers without a contract buy --------------------------------------------------------


def clv_bgnbd(inputs: Inputs) -> Numbers:
    return _one_customer(
        purchases.PurchaseModel(*(inputs[name] for name in ("r", "alpha", "a", "b"))), inputs
    )


def clv_pareto_nbd(inputs: Inputs) -> Numbers:
    """The same, where customers may stop at any moment."""
    return _one_customer(
        other_purchase_models.ParetoModel(*(inputs[name] for name in ("r", "alpha", "s", "beta"))), inputs
    )


def _one_customer(
    model: purchases.PurchaseModel | other_purchase_models.ParetoModel, inputs: Inputs
) -> Numbers:
    seen = purchases.Purchases(*(np.array([float(inputs[name])]) for name in ("x", "t_x", "T")))
    expected = float(model.expected(seen, inputs["t"])[0]) if "t" in inputs else None
    return {
        "expected_purchases": expected,
        "conditional_expectation": expected,
        "p_alive": float(model.alive(seen)[0]),
    }


def clv_bgbb(inputs: Inputs) -> Numbers:
    """So many customers used so many of the occasions, the last time on that one."""
    repeats, last, customers = np.array(inputs["rows"], dtype=float).T
    seen = purchases.Purchases(repeats, last, np.full(len(repeats), float(inputs["opportunities"])))
    model = other_purchase_models.fit_occasions(seen, customers)
    return {
        **{name: getattr(model, name) for name in ("alpha", "beta", "gamma", "delta")},
        "donors": int(customers.sum()),
        "log_likelihood": float(customers @ model.log_likelihood(seen)),
    }


def clv_gamma_gamma(inputs: Inputs) -> Numbers:
    model = purchases.SpendModel(*(inputs[name] for name in ("p", "q", "v")))
    repeats, spend = (
        np.array([customer[name] for customer in inputs["customers"]], dtype=float)
        for name in ("x", "mean_spend")
    )
    return {"expected_spend": list(model.expected(repeats, spend))}


# --- who gets the credit --------------------------------------------------------------------------


def attribution_linear(inputs: Inputs) -> Numbers:
    return {"credit": _money(inputs, attribution.linear(len(inputs["touches"])))}


def attribution_u_shaped(inputs: Inputs) -> Numbers:
    return {"credit": _money(inputs, attribution.u_shaped(len(inputs["touches"])))}


def attribution_time_decay(inputs: Inputs) -> Numbers:
    return {"credit": attribution.time_decay(inputs["days_before_conversion"], inputs["half_life_days"])}


def _money(inputs: Inputs, credits: list[float]) -> list[float]:
    return [float(part) for part in attribution.share_out(Decimal(inputs["value"]), credits)]


def attribution_markov_removal(inputs: Inputs) -> Numbers:
    paths = [attribution.Path(each["path"], each["conversions"], each["nulls"]) for each in inputs["paths"]]
    chain = attribution.markov(paths)
    words = {"(start)": "start", "(won)": "conv", "(lost)": "null"}
    won = sum(path.won for path in paths)
    return {
        "transitions": {
            f"{words.get(before, before)}>{words.get(after, after)}": chance
            for (before, after), chance in chain.transitions.items()
        },
        "p_conversion": chain.conversion,
        "p_without": chain.conversion_without,
        "removal_effect": chain.removal_effects,
        "share": chain.shares,
        "attributed_conversions": {channel: share * won for channel, share in chain.shares.items()},
    }


def attribution_shapley(inputs: Inputs) -> Numbers:
    """Channels by the conversions of their sets, or gloves of which only pairs are worth something."""
    if "exact_set_conversions" in inputs:
        wins = {frozenset(name): won for name, won in inputs["exact_set_conversions"].items()}
        worth = {players: won / sum(wins.values()) for players, won in attribution.subset_worth(wins).items()}
    else:
        hands = {
            side: [f"{side}{number + 1}" if inputs[name] > 1 else side for number in range(inputs[name])]
            for side, name in (("L", "left"), ("R", "right"))
        }
        everyone = [*hands["L"], *hands["R"]]
        worth = {
            frozenset(players): float(min(len(set(players) & set(own)) for own in hands.values()))
            for size in range(len(everyone) + 1)
            for players in combinations(everyone, size)
        }
    named = {name: worth[frozenset(name)] for name in inputs.get("exact_set_conversions", ())}
    return {"worth": named, "shapley": attribution.shapley(worth)}


FUNCTIONS: Mapping[str, Callable[[Inputs], Numbers]] = {
    function.__name__: function
    for function in (
        retention_sbg, retention_bdw, logrank, clv_bgnbd, clv_pareto_nbd, clv_bgbb, clv_gamma_gamma,
        attribution_linear, attribution_u_shaped, attribution_time_decay, attribution_markov_removal,
        attribution_shapley,
    )
}  # fmt: skip
