"""Retention curves: how long do customers stay?

The shifted-beta-geometric model of Fader & Hardie (2007), "How to project customer retention", Journal of
Interactive Marketing 21(1): each customer leaves with a constant monthly probability, drawn once from a beta
distribution over customers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, digamma

MINIMUM_CUSTOMERS = 20
MINIMUM_LOSSES = 3
MINIMUM_MONTHS = 4

_LARGEST_LOGARITHM = 12.0


@dataclass(frozen=True, slots=True)
class Lifetime:
    """One customer's first stay: whole months survived, and whether it ended."""

    months: int
    is_lost: bool


@dataclass(frozen=True, slots=True)
class RetentionCurve:
    """Parameters of the beta distribution of the monthly probability to leave."""

    alpha: float
    beta: float

    def survival(self, months: np.ndarray) -> np.ndarray:
        """Share of customers still there after so many whole months."""
        survived: np.ndarray = np.exp(betaln(self.alpha, self.beta + months) - betaln(self.alpha, self.beta))
        return survived


def fit(survived_counts: dict[int, int], lost_counts: dict[int, int]) -> RetentionCurve:
    """Fit by maximum likelihood.

    `lost_counts[t]`: customers who left in period t (1 = the first); `survived_counts[t]`: customers
    still there after t whole periods. At least one customer must have left.
    """
    lost_at = np.array(sorted(lost_counts), dtype=float)
    lost = np.array([lost_counts[int(t)] for t in lost_at], dtype=float)
    kept_at = np.array(sorted(survived_counts), dtype=float)
    kept = np.array([survived_counts[int(t)] for t in kept_at], dtype=float)

    # Searched over the mean of the beta distribution and its concentration alpha + beta, which hardly
    # depend on each other.
    # Where customers hardly differ the concentration grows without end while the curve no longer changes.
    def parameters(searched: np.ndarray) -> tuple[float, float]:
        mean = 1 / (1 + np.exp(-np.clip(searched[0], -30, 30)))
        concentration = np.exp(np.clip(searched[1], -_LARGEST_LOGARITHM, _LARGEST_LOGARITHM))
        return float(mean * concentration), float((1 - mean) * concentration)

    def negative_log_likelihood(searched: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and gradient."""
        alpha, beta = parameters(searched)
        base = betaln(alpha, beta)
        left = betaln(alpha + 1, beta + lost_at - 1) - base
        stayed = betaln(alpha, beta + kept_at) - base
        common = digamma(alpha + beta)
        # d betaln(a, b) / da = digamma(a) - digamma(a + b)
        by_alpha = lost @ (digamma(alpha + 1) - digamma(alpha + beta + lost_at) - digamma(alpha) + common)
        by_alpha += kept @ (common - digamma(alpha + beta + kept_at))
        by_beta = lost @ (
            digamma(beta + lost_at - 1) - digamma(alpha + beta + lost_at) - digamma(beta) + common
        )
        by_beta += kept @ (digamma(beta + kept_at) - digamma(alpha + beta + kept_at) - digamma(beta) + common)
        spread = alpha * beta / (alpha + beta)
        gradient = np.array([spread * (by_alpha - by_beta), alpha * by_alpha + beta * by_beta])
        return -float(lost @ left + kept @ stayed), -gradient

    hazard = lost.sum() / (lost @ lost_at + kept @ kept_at)
    start = np.array([np.log(hazard / (1 - hazard)) if hazard < 1 else 5.0, np.log(10.0)])
    best = minimize(
        negative_log_likelihood, start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 200}
    )
    alpha, beta = parameters(best.x)
    return RetentionCurve(alpha=alpha, beta=beta)


def fit_lifetimes(lifetimes: Iterable[Lifetime]) -> RetentionCurve | None:
    """The curve of these customers, or None where there are too few of them, too few losses or too short a
    history.
    """
    customers = list(lifetimes)
    losses = sum(1 for customer in customers if customer.is_lost)
    longest = max((customer.months for customer in customers), default=0)
    if len(customers) < MINIMUM_CUSTOMERS or losses < MINIMUM_LOSSES or longest < MINIMUM_MONTHS:
        return None
    survived = Counter(customer.months for customer in customers if not customer.is_lost)
    lost = Counter(customer.months + 1 for customer in customers if customer.is_lost)
    return fit(dict(survived), dict(lost))


def discounted_months(curve: RetentionCurve, *, annual_discount_rate: float, horizon_years: float) -> float:
    """Expected months of revenue over the horizon, each discounted to today; paid at the start of the
    month.
    """
    months = np.arange(round(horizon_years * 12), dtype=float)
    return float(np.sum(curve.survival(months) * (1 + annual_discount_rate) ** (-months / 12)))


def _whole_months(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month - (1 if last.day < first.day else 0)


def write(con: duckdb.DuckDBPyConnection) -> int:
    """Write `insight.retention_curves` (grain known_on, dimension, dimension_value) from the revenue
    tables; returns its rows.
    """
    con.execute("create schema if not exists insight")
    con.execute(
        "create or replace table insight.retention_curves (known_on date, dimension varchar,"
        " dimension_value varchar,"
        " customers bigint, losses bigint, alpha double, beta double, discounted_months double)"
    )
    policy = {
        setting: float(value)
        for setting, value in con.execute(
            "select setting, value from rules.metric_policy where policy = 'customer_lifetime_value'"
            " and setting in ('annual_discount_rate', 'horizon_years')"
        ).fetchall()
    }
    rate, horizon = policy.get("annual_discount_rate", 0.10), policy.get("horizon_years", 5.0)
    stays = con.execute(
        """
        select
            coalesce(accounts.segment, 'unknown'), coalesce(accounts.region, 'unknown'),
            started.became_on, ended.left_on
        from (
            select account_id, min(valid_from) as became_on
            from revenue.recurring_revenue_history where is_customer group by account_id
        ) as started
        left join (
            select account_id, min(valid_from) as left_on
            from revenue.recurring_revenue_history where was_customer and not is_customer group by account_id
        ) as ended using (account_id)
        left join revenue.accounts as accounts using (account_id)
        order by 1, 2, 3, 4, started.account_id
        """
    ).fetchall()
    days = [
        row[0]
        for row in con.execute(
            "select distinct last_day from revenue.reporting_periods order by 1"
        ).fetchall()
    ]
    rows = []
    for known_on in days:
        slices: dict[tuple[str, str], list[Lifetime]] = {}
        for segment, region, became_on, left_on in stays:
            if became_on > known_on:
                continue
            is_lost = left_on is not None and left_on <= known_on
            stay = Lifetime(
                months=_whole_months(became_on, left_on if is_lost else known_on), is_lost=is_lost
            )
            for slice_of in (("all", "all"), ("segment", segment), ("region", region)):
                slices.setdefault(slice_of, []).append(stay)
        for (dimension, value), lifetimes in sorted(slices.items()):
            curve = fit_lifetimes(lifetimes)
            if curve is not None:
                months = discounted_months(curve, annual_discount_rate=rate, horizon_years=horizon)
                losses = sum(1 for stay in lifetimes if stay.is_lost)
                rows.append(
                    (
                        known_on,
                        dimension,
                        value,
                        len(lifetimes),
                        losses,
                        round(curve.alpha, 6),
                        round(curve.beta, 6),
                        round(months, 6),
                    )
                )
    if rows:
        con.executemany("insert into insight.retention_curves values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return len(rows)
