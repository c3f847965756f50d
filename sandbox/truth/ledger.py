"""The ledger of recurring revenue: every change of every customer, in exactly one class.

A customer is judged on its total of the day. Items are (subscription, product, currency); what they did on
one day is
kept apart if it points the same way, and netted, from the largest on, if it does not.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sandbox.records import Company, Period
from sandbox.truth.calendar import DAY, Rates
from sandbox.world import World

_PER_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
Item = tuple[str, str, str]  # subscription, product, currency


@dataclass(frozen=True)
class Movement:
    """One change of one customer's annual recurring revenue; `amount` in the reporting currency, signed."""

    company_id: str
    occurred_on: date
    movement: str  # new | expansion | contraction | churn | reactivation | currency
    reason: str | None
    amount: Fraction
    subscription_id: str
    product: str
    currency: str


@dataclass(frozen=True)
class State:
    """What a company pays from a day on: original annual amounts by item, and whether it is a customer."""

    since: date
    items: dict[Item, Fraction]
    on_pause: bool

    @property
    def pays(self) -> bool:
        return any(self.items.values())

    @property
    def is_customer(self) -> bool:
        return self.pays or self.on_pause


class Ledger:
    """All customers' histories up to the end of `as_of`."""

    def __init__(self, world: World, as_of: date) -> None:
        self.as_of = as_of
        self.rates = Rates()
        self.companies: dict[str, Company] = {}
        self.movements: list[Movement] = []
        self._states: dict[str, list[State]] = {}
        self._by_company: defaultdict[str, list[Movement]] = defaultdict(list)
        self._recurring: dict[tuple[str, date], Fraction] = {}
        rows: defaultdict[str, list[Period]] = defaultdict(list)
        for period in world.periods:
            if _counts(period) and period.starts_on <= as_of:
                self.companies[period.company.id] = period.company
                rows[period.company.id].append(period)
        for company_id, periods in rows.items():
            self._states[company_id] = list(self._history(periods))
            self.movements += self._movements(company_id, periods)

    def _history(self, rows: list[Period]) -> Iterable[State]:
        days: set[date] = set()
        for row in rows:
            days |= {row.starts_on, row.ends_on or row.starts_on, row.discount_ends_on or row.starts_on}
        for day in sorted(d for d in days if d <= self.as_of):
            items: defaultdict[Item, Fraction] = defaultdict(Fraction)
            for row in rows:
                if _in_force(row, day):
                    items[_item(row)] += annual_value(row, day)
            on_pause = any(_in_force(r, day) and r.status == "paused" and r.ends_on is not None for r in rows)
            yield State(day, {item: value for item, value in items.items() if value}, on_pause)

    def state(self, company_id: str, day: date) -> State:
        """The state at the end of a day."""
        best = State(date.min, {}, False)
        for state in self._states[company_id]:
            if state.since > day:
                break
            best = state
        return best

    def recurring(self, company_id: str, day: date) -> Fraction:
        """Annual recurring revenue at the end of a day, in the reporting currency."""
        key = (company_id, day)
        if key not in self._recurring:
            items = self.state(company_id, day).items
            worth = (v * self.rates.recurring(item[2], day) for item, v in items.items())
            self._recurring[key] = sum(worth, Fraction(0))
        return self._recurring[key]

    def movements_of(self, company_id: str) -> list[Movement]:
        """Those of one company, in order."""
        if not self._by_company:
            for movement in self.movements:
                self._by_company[movement.company_id].append(movement)
        return self._by_company[company_id]

    def _movements(self, company_id: str, rows: list[Period]) -> Iterable[Movement]:
        states = self._states[company_id]
        changes = {state.since: state for state in states}
        currencies = {row.currency for row in rows}
        before, has_paid = State(date.min, {}, False), False
        for day in sorted(changes.keys() | self._rate_days(currencies, states[0].since)):
            after = changes.get(day, State(day, before.items, before.on_pause))
            for item, original in before.items.items():
                effect = original * (
                    self.rates.recurring(item[2], day) - self.rates.recurring(item[2], day - DAY)
                )
                if effect:
                    yield Movement(company_id, day, "currency", None, effect, *item)
            yield from self._classified(company_id, day, before, after, has_paid, rows)
            before, has_paid = after, has_paid or after.pays

    def _rate_days(self, currencies: set[str], first: date) -> set[date]:
        """Days on which the worth of a currency changed since."""
        days, day = set(), first + DAY
        while day <= self.as_of:
            if day.day == 1 and any(
                self.rates.recurring(c, day) != self.rates.recurring(c, day - DAY) for c in currencies
            ):
                days.add(day)
            day += DAY
        return days

    def _classified(
        self, company_id: str, day: date, before: State, after: State, has_paid: bool, rows: list[Period]
    ) -> Iterable[Movement]:
        changes = {
            item: (after.items.get(item, Fraction(0)) - before.items.get(item, Fraction(0)))
            * self.rates.recurring(item[2], day)
            for item in before.items.keys() | after.items.keys()
        }
        movement = _class(before, after, has_paid, sum(changes.values(), Fraction(0)))
        if movement == "churn" and not before.pays:
            # A pause is over and nobody came back: the revenue went when it began, the customer goes now.
            row = next(
                r for r in sorted(rows, key=lambda r: r.id) if r.status == "paused" and r.ends_on == day
            )
            yield Movement(company_id, day, "churn", _reason(rows, _item(row), day), Fraction(0), *_item(row))
            return
        for item, amount in sorted(_netted(changes).items()):
            yield Movement(company_id, day, movement, _reason(rows, item, day), amount, *item)


def movements(world: World, as_of: date) -> list[Movement]:
    """The ledger up to the end of a day; amounts sum to the recurring revenue on any day, per company and
    in total.
    """
    return Ledger(world, as_of).movements


def annual_value(row: Period, day: date) -> Fraction:
    """What a row is worth a year on a day it is in force: net of discounts, percent first, in its own
    currency.
    """
    if row.status not in ("active", "past_due"):
        return Fraction(0)
    price = Fraction(row.amount)
    if row.discount_ends_on is None or day < row.discount_ends_on:
        price = price * (1 - Fraction(row.discount_percent or 0)) - Fraction(row.discount_amount or 0)
    return max(price, Fraction(0)) * _PER_YEAR[row.interval] / row.interval_count


def _counts(row: Period) -> bool:
    """Recurring, not deleted, not negative, and in force for at least a day."""
    backwards = row.ends_on is not None and row.ends_on <= row.starts_on
    return row.kind == "recurring" and row.deleted_at is None and row.amount >= 0 and not backwards


def _in_force(row: Period, day: date) -> bool:
    return row.starts_on <= day and (row.ends_on is None or day < row.ends_on)


def _item(row: Period) -> Item:
    return row.subscription_id, row.product, row.currency


def _class(before: State, after: State, has_paid: bool, change: Fraction) -> str:
    if after.pays and not before.is_customer:
        return "reactivation" if has_paid else "new"
    if before.is_customer and not after.is_customer:
        return "churn"
    return "expansion" if change > 0 else "contraction"


def _netted(changes: dict[Item, Fraction]) -> dict[Item, Fraction]:
    """Only what points the way the total points; the rest is taken off the largest first."""
    total = sum(changes.values(), Fraction(0))
    if total == 0:
        return {}
    with_it = {item: change for item, change in changes.items() if change * total > 0}
    against = sum((abs(change) for change in changes.values() if change * total < 0), Fraction(0))
    kept: dict[Item, Fraction] = {}
    for item, change in sorted(with_it.items(), key=lambda entry: (-abs(entry[1]), entry[0])):
        taken = min(against, abs(change))
        against -= taken
        if abs(change) > taken:
            kept[item] = change - taken if change > 0 else change + taken
    return kept


def _reason(rows: list[Period], item: Item, day: date) -> str | None:
    """Of the row of the item that starts on the day; else `discount`, if one ended; else nobody said."""
    mine = [row for row in rows if _item(row) == item]
    stated = [row.reason for row in mine if row.starts_on == day and row.reason is not None]
    if stated:
        return stated[-1]
    return "discount" if any(row.discount_ends_on == day for row in mine) else None
