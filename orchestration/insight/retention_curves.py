"""Retention curves: how long do customers stay?

Two models of Fader & Hardie. Shifted beta geometric (2007, "How to project customer retention", Journal
of Interactive Marketing 21(1)): each customer leaves with a constant monthly probability, drawn once from
a beta distribution over customers. Beta discrete Weibull (2018): that probability also rises or falls
with the time a customer has been there, t to the power of `shape`; with shape 1 it is the first model.
The second is taken only where a likelihood ratio test says that it fits better.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb
import numpy as np
from scipy.special import betaln, digamma

from orchestration.insight.newton import Objective, curvature, inverse, minimise
from orchestration.insight.tables import write_table

COLUMNS = {
    "known_on": "date",
    "dimension": "varchar",
    "dimension_value": "varchar",
    "customers": "bigint",
    "losses": "bigint",
    "alpha": "double",
    "beta": "double",
    "shape": "double",
    "discounted_months": "double",
    "discounted_months_low": "double",
    "discounted_months_high": "double",
}

MINIMUM_CUSTOMERS = 20
MINIMUM_LOSSES = 3
MINIMUM_MONTHS = 4

# 95 % points of the normal distribution and of chi square with one degree of freedom
NORMAL_95 = 1.959963984540054
CHI_SQUARE_95 = 3.841458820694124

_LARGEST_LOGARITHM = 12.0
_LARGEST_SHAPE_LOGARITHM = 1.5


@dataclass(frozen=True, slots=True)
class Lifetime:
    """One customer's first stay: whole months survived, and whether it ended."""

    months: int
    is_lost: bool


@dataclass(frozen=True, slots=True)
class RetentionCurve:
    """Parameters of the beta distribution of the probability to leave, and how that changes with time."""

    alpha: float
    beta: float
    shape: float = 1.0
    log_likelihood: float = field(default=float("nan"), compare=False)
    covariance: np.ndarray | None = field(default=None, compare=False, repr=False)

    def survival(self, periods: np.ndarray) -> np.ndarray:
        """Share of customers still there after so many whole periods."""
        return np.asarray(
            np.exp(_log_survival(np.asarray(periods, float), self.alpha, self.beta, self.shape))
        )

    def survival_interval(self, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """95 % interval of `survival`, by the delta method on its log odds."""
        share = np.clip(self.survival(periods), 1e-12, 1 - 1e-12)
        slopes = _slopes(lambda curve: curve.survival(periods), self) / (share * (1 - share))
        spread = NORMAL_95 * _deviation(slopes, self.covariance)
        odds = np.log(share / (1 - share))
        return 1 / (1 + np.exp(spread - odds)), 1 / (1 + np.exp(-spread - odds))


def fit(
    survived_counts: Mapping[int, float], lost_counts: Mapping[int, float], *, with_shape: bool = False
) -> RetentionCurve:
    """Fit by maximum likelihood; `with_shape` fits the second model.

    `lost_counts[t]`: customers who left in period t (1 = the first); `survived_counts[t]`: customers
    still there after t whole periods. At least one customer must have left.
    """
    lived = sum(t * many for counts in (survived_counts, lost_counts) for t, many in counts.items())
    hazard = sum(lost_counts.values()) / lived
    start = [np.log(hazard / (1 - hazard)) if hazard < 1 else 5.0, np.log(10.0)]
    return _fitted(_objective(survived_counts, lost_counts), np.array([*start, 0.0] if with_shape else start))


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
    return better_fit(survived, lost)


def better_fit(survived_counts: Mapping[int, float], lost_counts: Mapping[int, float]) -> RetentionCurve:
    """The simple model, unless the one with a shape is more likely by a test at 5 %."""
    simple = fit(survived_counts, lost_counts)
    if len(lost_counts) < MINIMUM_LOSSES:
        return simple
    objective, found = _objective(survived_counts, lost_counts), _searched(simple, 3)
    slope, bend = objective(found)[1], curvature(objective, found)
    # Where the likelihood hardly rises with the shape, fitting it is not worth the time.
    if slope[2] ** 2 * inverse(bend)[2, 2] < CHI_SQUARE_95 / 2:
        return simple
    shaped = fit(survived_counts, lost_counts, with_shape=True)
    is_better = 2 * (shaped.log_likelihood - simple.log_likelihood) > CHI_SQUARE_95
    return shaped if is_better else simple


@dataclass(frozen=True, slots=True)
class DiscountedMonths:
    """Expected months of revenue, each discounted to today, and the 95 % interval the fit leaves open."""

    expected: float
    low: float
    high: float


def discounted_months(
    curve: RetentionCurve, *, annual_discount_rate: float, horizon_years: float
) -> DiscountedMonths:
    """Expected months of revenue over the horizon, each discounted to today; paid at the start of the
    month.
    """
    months = np.arange(round(horizon_years * 12), dtype=float)
    discounts = (1 + annual_discount_rate) ** (-months / 12)

    def total(of: RetentionCurve) -> np.ndarray:
        return np.array([of.survival(months) @ discounts])

    expected, most = float(total(curve)[0]), float(discounts.sum())
    spread = NORMAL_95 * float(_deviation(_slopes(total, curve), curve.covariance)[0])
    return DiscountedMonths(expected, max(expected - spread, 0.0), min(expected + spread, most))


def _arrays(counts: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    at = sorted(counts)
    return np.array(at, dtype=float), np.array([counts[t] for t in at], dtype=float)


def _objective(survived_counts: Mapping[int, float], lost_counts: Mapping[int, float]) -> Objective:
    """Negative logarithm of the likelihood and its slopes by two or three searched parameters."""
    kept_at, kept = _arrays(survived_counts)
    lost_at, lost = _arrays(lost_counts)
    periods = np.concatenate([lost_at - 1, lost_at, kept_at])
    before, after = slice(0, len(lost)), slice(len(lost), 2 * len(lost))
    stayed = slice(2 * len(lost), None)

    def objective(searched: np.ndarray) -> tuple[float, np.ndarray]:
        alpha, beta, shape = _parameters(searched)
        logs = _log_survival(periods, alpha, beta, shape)
        by = _log_survival_slopes(periods, alpha, beta, shape)
        step = np.minimum(logs[after] - logs[before], -1e-15)
        value = float(lost @ (logs[before] + np.log(-np.expm1(step))) + kept @ logs[stayed])
        odds = 1 / np.expm1(-step)
        slopes = (by[:, before] - odds * (by[:, after] - by[:, before])) @ lost + by[:, stayed] @ kept
        spread = alpha * beta / (alpha + beta)
        gradient = [spread * (slopes[0] - slopes[1]), alpha * slopes[0] + beta * slopes[1], shape * slopes[2]]
        return -value, -np.array(gradient[: len(searched)])

    return objective


def _fitted(objective: Objective, start: np.ndarray) -> RetentionCurve:
    best = minimise(objective, start)
    return RetentionCurve(*_parameters(best.at), -best.value, best.covariance)


# Searched over the mean of the beta distribution, its concentration alpha + beta and the shape, which hardly
# depend on each other. Where customers hardly differ the concentration grows without end while the curve no
# longer changes.
def _parameters(searched: np.ndarray) -> tuple[float, float, float]:
    mean = 1 / (1 + np.exp(-np.clip(searched[0], -30, 30)))
    concentration = np.exp(np.clip(searched[1], -_LARGEST_LOGARITHM, _LARGEST_LOGARITHM))
    limit = _LARGEST_SHAPE_LOGARITHM
    shape = float(np.exp(np.clip(searched[2], -limit, limit))) if len(searched) > 2 else 1.0
    return float(mean * concentration), float((1 - mean) * concentration), shape


def _searched(curve: RetentionCurve, size: int) -> np.ndarray:
    values = [np.log(curve.alpha / curve.beta), np.log(curve.alpha + curve.beta), np.log(curve.shape)]
    return np.array(values[:size])


def _log_survival(periods: np.ndarray, alpha: float, beta: float, shape: float) -> np.ndarray:
    return np.asarray(betaln(alpha, beta + periods**shape) - betaln(alpha, beta))


def _log_survival_slopes(periods: np.ndarray, alpha: float, beta: float, shape: float) -> np.ndarray:
    """Derivatives of the logarithm of survival by alpha, beta and shape, one row each."""
    aged = periods**shape
    by_alpha = digamma(alpha + beta) - digamma(alpha + beta + aged)
    by_aged = digamma(beta + aged) - digamma(alpha + beta + aged)
    by_beta = by_aged - digamma(beta) + digamma(alpha + beta)
    return np.array([by_alpha, by_beta, by_aged * aged * np.log(np.maximum(periods, 1.0))])


def _slopes(
    function: Callable[[RetentionCurve], np.ndarray], curve: RetentionCurve, step: float = 1e-4
) -> np.ndarray:
    """Derivatives of a function of the curve by what was searched, one row each."""
    size = 0 if curve.covariance is None else len(curve.covariance)
    centre = _searched(curve, size)
    rows = []
    for index in range(size):
        shift = np.zeros(size)
        shift[index] = step
        ahead, behind = (RetentionCurve(*_parameters(centre + way * shift)) for way in (1, -1))
        rows.append((function(ahead) - function(behind)) / (2 * step))
    return np.array(rows)


def _deviation(slopes: np.ndarray, covariance: np.ndarray | None) -> np.ndarray:
    if covariance is None:
        raise ValueError("a curve that was not fitted has no interval")
    return np.asarray(np.sqrt(np.maximum(np.einsum("ik,ij,jk->k", slopes, covariance, slopes), 0.0)))


def whole_months(first: date, last: date) -> int:
    """Months that have passed in full between two days."""
    return (last.year - first.year) * 12 + last.month - first.month - (1 if last.day < first.day else 0)


@dataclass(frozen=True, slots=True)
class Stay:
    """A customer's first stay, and the slices it counts in."""

    segment: str
    region: str
    began_on: date
    left_on: date | None

    def slices(self) -> tuple[tuple[str, str], ...]:
        """Dimension and value of every slice."""
        return (("all", "all"), ("segment", self.segment), ("region", self.region))

    def as_known(self, day: date) -> Lifetime:
        """The stay as far as it was known at the end of a day on which it had begun."""
        is_lost = self.left_on is not None and self.left_on <= day
        end = self.left_on if self.left_on is not None and is_lost else day
        return Lifetime(months=whole_months(self.began_on, end), is_lost=is_lost)


def stays(con: duckdb.DuckDBPyConnection) -> list[Stay]:
    """Every customer's first stay."""
    rows = con.execute(
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
    return [Stay(*row) for row in rows]


def value_policy(con: duckdb.DuckDBPyConnection) -> tuple[float, float]:
    """Annual discount rate and years counted of a customer's lifetime value, as the rules say."""
    said = con.execute(
        "select setting, value from rules.metric_policy where policy = 'customer_lifetime_value'"
        " and setting in ('annual_discount_rate', 'horizon_years')"
    ).fetchall()
    policy = {setting: float(value) for setting, value in said}
    return policy.get("annual_discount_rate", 0.10), policy.get("horizon_years", 5.0)


def write(con: duckdb.DuckDBPyConnection) -> int:
    """Write `insight.retention_curves` (grain known_on, dimension, dimension_value) from the revenue
    tables; returns its rows.
    """
    rate, horizon = value_policy(con)
    known = stays(con)
    days = [
        row[0]
        for row in con.execute(
            "select distinct last_day from revenue.reporting_periods order by 1"
        ).fetchall()
    ]
    rows = []
    for known_on in days:
        slices: dict[tuple[str, str], list[Lifetime]] = {}
        for stay in known:
            if stay.began_on <= known_on:
                for slice_of in stay.slices():
                    slices.setdefault(slice_of, []).append(stay.as_known(known_on))
        for (dimension, value), lifetimes in sorted(slices.items()):
            curve = fit_lifetimes(lifetimes)
            if curve is not None:
                months = discounted_months(curve, annual_discount_rate=rate, horizon_years=horizon)
                losses = sum(1 for each in lifetimes if each.is_lost)
                numbers = (curve.alpha, curve.beta, curve.shape, months.expected, months.low, months.high)
                rounded = (round(number, 6) for number in numbers)
                rows.append((known_on, dimension, value, len(lifetimes), losses, *rounded))
    return write_table(con, "retention_curves", COLUMNS, rows)
