"""What will customers buy who have no contract?

BG/NBD (Fader, Hardie & Lee 2005, "Counting your customers the easy way", Marketing Science 24(2)):
customers buy at random, each at a rate of his own, and after any purchase may stop for good. Gamma-gamma
(Fader & Hardie 2013): what a purchase is worth varies around a mean of each customer's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
from scipy.special import gammaln, hyp2f1

from orchestration.insight.newton import minimise
from orchestration.insight.retention_curves import NORMAL_95, value_policy
from orchestration.insight.tables import write_table

MINIMUM_CUSTOMERS = 20
MINIMUM_REPEAT_CUSTOMERS = 10
# More customers than these say nothing more about the mean; they are drawn evenly in the order of their ids.
MOST_CUSTOMERS = 5000
DAYS_PER_WEEK = 7.0
WEEKS_PER_YEAR = 365 / 7

COLUMNS = {
    "known_on": "date",
    "dimension": "varchar",
    "dimension_value": "varchar",
    "customers": "bigint",
    "value_per_customer": "double",
    "value_low": "double",
    "value_high": "double",
    "r": "double",
    "alpha": "double",
    "a": "double",
    "b": "double",
    "p": "double",
    "q": "double",
    "v": "double",
}


@dataclass(frozen=True, slots=True)
class Purchases:
    """One entry per customer: repeat purchases, time of the last one and age, both since the first
    purchase.
    """

    repeats: np.ndarray
    last: np.ndarray
    age: np.ndarray


@dataclass(frozen=True, slots=True)
class PurchaseModel:
    """BG/NBD: rates vary as gamma(r, alpha), chances to stop after a purchase as beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    def log_likelihood(self, seen: Purchases) -> np.ndarray:
        """Of each customer's purchases."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        x = seen.repeats
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        common = common + gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        still = -(r + x) * np.log(alpha + seen.age)
        stopped = np.log(a / (b + np.maximum(x, 1) - 1)) - (r + x) * np.log(alpha + seen.last)
        return np.asarray(common + np.where(x > 0, np.logaddexp(still, stopped), still))

    def alive(self, seen: Purchases) -> np.ndarray:
        """Probability that each customer still buys."""
        x = np.maximum(seen.repeats, 1)
        odds = self.a / (self.b + x - 1)
        odds = odds * ((self.alpha + seen.age) / (self.alpha + seen.last)) ** (self.r + seen.repeats)
        return np.where(seen.repeats > 0, 1 / (1 + odds), 1.0)

    def expected(self, seen: Purchases, time: float) -> np.ndarray:
        """Purchases each customer is expected to make in the coming `time`."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        x, age = seen.repeats, seen.age
        grown = hyp2f1(r + x, b + x, a + b + x - 1, time / (alpha + age + time))
        ahead = 1 - ((alpha + age) / (alpha + age + time)) ** (r + x) * grown
        below_one = a - 1 if abs(a - 1) > 1e-9 else 1e-9
        return np.asarray((a + b + x - 1) / below_one * ahead * self.alive(seen))


@dataclass(frozen=True, slots=True)
class SpendModel:
    """Gamma-gamma: p and q shape, v scales what a purchase of a customer is worth."""

    p: float
    q: float
    v: float

    @property
    def has_mean(self) -> bool:
        """Whether the value of a purchase has a finite mean for a customer whose repeats are not known."""
        return self.q > 1

    def expected(self, repeats: np.ndarray, mean_spend: np.ndarray) -> np.ndarray:
        """Mean value of a purchase of each customer; only where the model has one."""
        own = np.asarray(repeats, float)
        return np.asarray(self.p * (self.v + own * mean_spend) / (self.p * own + self.q - 1))

    def log_likelihood(self, repeats: np.ndarray, mean_spend: np.ndarray) -> np.ndarray:
        """Of the mean spend of customers that bought again."""
        shape, q, v = self.p * repeats, self.q, self.v
        return np.asarray(
            gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(v)
            + (shape - 1) * np.log(mean_spend) + shape * np.log(repeats)
            - (shape + q) * np.log(repeats * mean_spend + v)
        )  # fmt: skip


def fit_purchases(seen: Purchases) -> PurchaseModel:
    """The purchase model most likely to have led to what was seen."""
    scale = float(seen.age.mean())
    scaled = Purchases(seen.repeats, seen.last / scale, seen.age / scale)

    def value(searched: np.ndarray) -> float:
        parameters = np.exp(np.clip(searched, -7, 7))
        # A little of a pull towards 1 keeps parameters finite that the data leave open.
        return -float(PurchaseModel(*parameters).log_likelihood(scaled).sum()) + 1e-3 * float(
            searched @ searched
        )

    r, alpha, a, b = np.exp(lowest(value, np.array([0.0, 0.0, 0.0, 1.0])))
    return PurchaseModel(float(r), float(alpha * scale), float(a), float(b))


def fit_spend(repeats: np.ndarray, mean_spend: np.ndarray) -> SpendModel:
    """The spend model of customers that bought again, for positive amounts."""
    scale = float(mean_spend.mean())

    def value(searched: np.ndarray) -> float:
        model = SpendModel(*np.exp(np.clip(searched, -7, 7)))
        found = model.log_likelihood(repeats, mean_spend / scale)
        return -float(found.sum()) + 1e-3 * float(searched @ searched)

    p, q, v = np.exp(lowest(value, np.array([1.0, 1.0, 0.0])))
    return SpendModel(float(p), float(q), float(v * scale))


def lowest(value: Callable[[np.ndarray], float], start: np.ndarray) -> np.ndarray:
    """Where a smooth function is lowest near `start`."""

    def objective(at: np.ndarray) -> tuple[float, np.ndarray]:
        slopes = []
        for index in range(len(at)):
            shift = np.zeros(len(at))
            shift[index] = 1e-5
            slopes.append((value(at + shift) - value(at - shift)) / 2e-5)
        return value(at), np.array(slopes)

    return minimise(objective, start).at


def discounted_purchases(
    model: PurchaseModel, seen: Purchases, *, annual_discount_rate: float, horizon_years: float
) -> np.ndarray:
    """Purchases each customer is expected to make over the horizon, each discounted to today, by
    quarters; times are in weeks.
    """
    total, before = np.zeros(len(seen.repeats)), np.zeros(len(seen.repeats))
    for quarter in range(1, round(horizon_years * 4) + 1):
        by_now = model.expected(seen, quarter / 4 * WEEKS_PER_YEAR)
        total += (by_now - before) * (1 + annual_discount_rate) ** (-(quarter - 0.5) / 4)
        before = by_now
    return total


@dataclass(frozen=True, slots=True)
class _Customer:
    segment: str
    region: str
    # days of purchases and what was bought on each, in order
    purchases: tuple[tuple[date, float], ...]
    contract_since: date | None


def _customers(con: duckdb.DuckDBPyConnection) -> list[_Customer]:
    """Every account that ever bought, with the day its first contract began, if it has one."""
    rows = con.execute(
        """select deals.account_id, coalesce(accounts.segment, 'unknown'), coalesce(accounts.region,
        'unknown'), deals.closed_on, cast(sum(deals.amount) as double), min(contracted.since) from
        revenue.opportunities as deals left join revenue.accounts as accounts using (account_id) left join
        ( select account_id, min(valid_from) as since from revenue.recurring_revenue_history where
        is_customer group by account_id ) as contracted using (account_id) where deals.is_won and
        deals.amount > 0 and deals.closed_on is not null and deals.account_id is not null group by 1, 2,
        3, 4 order by 1, 4
        """
    ).fetchall()
    bought: dict[str, list[tuple[date, float]]] = {}
    about = {}
    for account, segment, region, day, amount, since in rows:
        bought.setdefault(account, []).append((day, amount))
        about[account] = (segment, region, since)
    return [
        _Customer(about[account][0], about[account][1], tuple(days), about[account][2])
        for account, days in bought.items()
    ]


def _seen(customers: list[_Customer], day: date) -> tuple[Purchases, np.ndarray]:
    """What was known of these customers' purchases on a day, in weeks, and the mean value of a repeated
    one.
    """
    repeats, last, age, spend = [], [], [], []
    for customer in customers:
        known = [each for each in customer.purchases if each[0] <= day]
        first = known[0][0]
        repeats.append(len(known) - 1)
        last.append((known[-1][0] - first).days / DAYS_PER_WEEK)
        age.append(max((day - first).days, 1) / DAYS_PER_WEEK)
        again = [amount for _, amount in known[1:]]
        spend.append(sum(again) / len(again) if again else 0.0)
    seen = Purchases(np.array(repeats, float), np.array(last), np.array(age))
    return seen, np.array(spend)


def write(con: duckdb.DuckDBPyConnection) -> int:
    """Write `insight.purchase_values` (grain known_on, dimension, dimension_value): the discounted value
    of the purchases to come of customers who buy without a contract; returns its rows. All customers of a
    day share one fit.
    """
    rate, horizon = value_policy(con)
    days = con.execute("select distinct last_day from revenue.reporting_periods order by 1").fetchall()
    everyone = _customers(con)
    rows: list[tuple[object, ...]] = []
    for (known_on,) in days:
        customers = [
            each
            for each in everyone
            if each.purchases[0][0] <= known_on
            and (each.contract_since is None or each.contract_since > known_on)
        ]
        customers = customers[:: -(-len(customers) // MOST_CUSTOMERS)] if customers else []
        if len(customers) < MINIMUM_CUSTOMERS:
            continue
        seen, spend = _seen(customers, known_on)
        again = seen.repeats > 0
        if again.sum() < MINIMUM_REPEAT_CUSTOMERS:
            continue
        spending = fit_spend(seen.repeats[again], spend[again])
        if not spending.has_mean:
            continue
        buying = fit_purchases(seen)
        to_come = discounted_purchases(buying, seen, annual_discount_rate=rate, horizon_years=horizon)
        values = to_come * spending.expected(seen.repeats, spend)
        parameters = (buying.r, buying.alpha, buying.a, buying.b, spending.p, spending.q, spending.v)
        slices: dict[tuple[str, str], list[int]] = {}
        for index, customer in enumerate(customers):
            for slice_of in (("all", "all"), ("segment", customer.segment), ("region", customer.region)):
                slices.setdefault(slice_of, []).append(index)
        for (dimension, value), members in sorted(slices.items()):
            own = values[members]
            mean, error = float(own.mean()), float(own.std(ddof=1) if len(own) > 1 else 0.0) / len(own) ** 0.5
            low, high = max(mean - NORMAL_95 * error, 0.0), mean + NORMAL_95 * error
            numbers = (round(number, 6) for number in (mean, low, high, *parameters))
            rows.append((known_on, dimension, value, len(own), *numbers))
    return write_table(con, "purchase_values", COLUMNS, rows)
