"""The ten named KPIs by their default definitions, in total and by segment of the CRM's account, for every
period.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from sandbox import rules
from sandbox.records import Contract, Forecast
from sandbox.truth.calendar import DAY, Clock, Period, Rates, months_later, periods
from sandbox.truth.deals import UNKNOWN, DealState, deal_states
from sandbox.truth.ledger import Ledger, Movement
from sandbox.world import World

_QUALIFIED = ("qualified", "proposal", "negotiation")
_SLICES = (("all", "all"), *(("segment", name) for name in (*rules.SEGMENTS, UNKNOWN)))
_GRACE = timedelta(days=90)
_MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation", "currency")


class Key(NamedTuple):
    """A row of metrics.kpi_values."""

    kpi: str
    variant: str
    grain: str
    period_start: date
    dimension: str
    dimension_value: str


class Figure(NamedTuple):
    """`value` is None on an empty denominator; `n` is the number of records behind it."""

    numerator: Fraction | None
    denominator: Fraction | None
    value: Fraction | None
    n: int


def kpis(
    world: World, as_of: date, timezone: str = "UTC", gross_margin: Fraction = Fraction(1)
) -> dict[Key, Figure]:
    """Every figure at the end of `as_of`, which must have been lived. The reporting currency is the dollar
    and the
    fiscal year the calendar year. `arr_movements` has one variant per class of movement: its sum and its
    count.
    """
    if as_of > world.until:
        raise ValueError(f"the world has lived until {world.until}, not until {as_of}")
    company = Business(world, as_of, Clock(timezone), gross_margin)
    figures: dict[Key, Figure] = {}
    for period in periods(company.first_day(), as_of):
        for dimension, value in _SLICES:
            for kpi, variant, figure in company.figures(period, value):
                figures[Key(kpi, variant, period.grain, period.start, dimension, value)] = figure
        for unit, figure in company.forecasts_by_unit(period):
            key = Key("forecast_accuracy", "default", period.grain, period.start, "forecast_unit", unit)
            figures[key] = figure
    return figures


def _ratio(numerator: Fraction | int, denominator: Fraction | int, n: int) -> Figure:
    top, bottom = Fraction(numerator), Fraction(denominator)
    return Figure(top, bottom, top / bottom if bottom else None, n)


def _median(values: list[int]) -> Fraction | None:
    """Linear between the two in the middle."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return (
        Fraction(ordered[middle]) if len(ordered) % 2 else Fraction(ordered[middle - 1] + ordered[middle], 2)
    )


class Business:
    """One world at one as-of day, with what several KPIs share."""

    def __init__(self, world: World, as_of: date, clock: Clock, gross_margin: Fraction) -> None:
        self.world, self.as_of, self.clock, self.gross_margin = world, as_of, clock, gross_margin
        self.rates = Rates()
        self.deals = list(deal_states(world, as_of, clock))
        self.ledger = Ledger(world, as_of)
        self.segments = {c.id: c.recorded_segment or UNKNOWN for c in world.companies}
        self.spend = self.daily_spend()
        self.calls = list(self._calls())
        self._past: dict[date, list[DealState]] = {}

    def first_day(self) -> date:
        """Of the business: the first deal, touch, ticket, service, term, euro spent or month called."""
        moments = [d.deal.opened_at for d in self.deals] + [t.at for t in self.world.touches[:500]]
        moments += [s.at for s in self.world.funnel[:500]] + [t.opened_at for t in self.world.tickets[:500]]
        days = [self.clock.day(at) for at in moments] + [s.spent_on for s in self.world.spend]
        days += [p.starts_on for p in self.world.periods if p.deleted_at is None]
        days += [c.starts_on for c in self.world.contracts]
        return min([*days, *(f.period_start for f in self.world.forecasts), self.as_of])

    def figures(self, period: Period, segment: str) -> Iterator[tuple[str, str, Figure]]:
        """Of one period and one segment, or `all`."""
        yield "win_rate", "default", self._win_rate(self._closed(period.start, period.last, segment))
        yield "sales_cycle_length", "default", self._cycle(period, segment)
        yield "pipeline_velocity", "default", self._velocity(period, segment)
        yield "annual_recurring_revenue", "default", self._recurring(period.last, segment)
        churn = self._churn(period, segment)
        yield "customer_churn", "default", churn
        moved = self._moved(period, segment)
        yield "upsells", "default", self._upsells(period, segment, moved)
        yield "renewals", "default", self._renewals(period, segment)
        yield "customer_lifetime_value", "simple", self._lifetime_value(period, segment, churn)
        for movement in _MOVEMENTS:
            amounts = [m.amount for m in moved if m.movement == movement]
            total = sum(amounts, Fraction(0))
            yield "arr_movements", movement, Figure(total, None, total, len(amounts))
        if segment == "all":  # neither spend nor a forecast unit has a segment
            yield "customer_acquisition_cost", "default", self._acquisition_cost(period, moved)
            yield (
                "forecast_accuracy",
                "default",
                _accuracy([c for c in self.calls if _inside(c.call, period)]),
            )

    # --- deals ------------------------------------------------------------------------------------

    def _of(self, segment: str) -> Iterator[DealState]:
        return (d for d in self.deals if segment in ("all", d.segment))

    def _closed(self, first: date, last: date, segment: str) -> list[DealState]:
        return [d for d in self._of(segment) if d.closed_on is not None and first <= d.closed_on <= last]

    def _win_rate(self, closed: list[DealState]) -> Figure:
        return _ratio(sum(1 for d in closed if d.stage == "won"), len(closed), len(closed))

    def _cycle(self, period: Period, segment: str) -> Figure:
        lengths = _cycles(self._closed(period.start, period.last, segment))
        return Figure(None, None, _median(lengths), len(lengths))

    def _velocity(self, period: Period, segment: str) -> Figure:
        """Open and qualified at the end, times what the last twelve months made of such deals, per day."""
        start = period.start if period.grain == "all_time" else months_later(period.end, -12)
        closed = self._closed(start, period.last, segment)
        won = [d for d in closed if d.stage == "won"]
        lengths = _cycles(won)
        ahead = [d for d in self._stood_open(period.last, segment) if d in _QUALIFIED]
        if not closed or not won or not sum(lengths):
            return Figure(None, None, None, len(ahead))
        average = sum((d.amount or Fraction(0) for d in won), Fraction(0)) / len(won)
        top = len(ahead) * average * Fraction(len(won), len(closed))
        return _ratio(top, Fraction(sum(lengths), len(lengths)), len(ahead))

    def _stood_open(self, day: date, segment: str) -> list[str]:
        """The stages of the deals that were open at the end of a day."""
        if day not in self._past:
            self._past[day] = [d for d in deal_states(self.world, day, self.clock) if d.is_open]
        return [d.stage for d in self._past[day] if segment in ("all", d.segment)]

    # --- recurring revenue ------------------------------------------------------------------------

    def _customers(self, segment: str) -> list[str]:
        return [c for c in self.ledger.companies if segment in ("all", self.segments[c])]

    def _recurring(self, day: date, segment: str) -> Figure:
        values = [self.ledger.recurring(c, day) for c in self._customers(segment)]
        total = sum(values, Fraction(0))
        return Figure(total, None, total, sum(1 for value in values if value))

    def _churn(self, period: Period, segment: str) -> Figure:
        if period.grain == "all_time":
            return Figure(None, None, None, 0)
        state, eve = self.ledger.state, period.start - DAY
        at_start = [c for c in self._customers(segment) if state(c, eve).is_customer]
        lost = sum(1 for c in at_start if not state(c, period.last).is_customer)
        return _ratio(lost, len(at_start), len(at_start))

    def _moved(self, period: Period, segment: str) -> list[Movement]:
        return [
            m
            for m in self.ledger.movements
            if period.holds(m.occurred_on) and segment in ("all", self.segments[m.company_id])
        ]

    def _upsells(self, period: Period, segment: str, moved: list[Movement]) -> Figure:
        if period.grain == "all_time":
            return Figure(None, None, None, 0)
        expansions = [m.amount for m in moved if m.movement == "expansion"]
        base = self._recurring(period.start - DAY, segment).value or Fraction(0)
        return _ratio(sum(expansions, Fraction(0)), base, len(expansions))

    def _lifetime_value(self, period: Period, segment: str, churn: Figure) -> Figure:
        customers = sum(1 for c in self._customers(segment) if self.ledger.state(c, period.last).is_customer)
        if period.years is None or not churn.value or not customers:
            return Figure(None, None, None, customers)
        revenue = (self._recurring(period.last, segment).value or Fraction(0)) * period.years
        return _ratio(revenue / customers * self.gross_margin, churn.value, customers)

    # --- renewals ---------------------------------------------------------------------------------

    def _renewals(self, period: Period, segment: str) -> Figure:
        """Base and successors at the rate of the due day; at most the base counts; the undecided are left
        out.
        """
        base = renewed = Fraction(0)
        decided = 0
        for contract in self.world.contracts:
            due = contract.ends_on
            if (
                due is None
                or not period.holds(due)
                or segment not in ("all", self.segments[contract.company.id])
            ):
                continue
            if self.clock.day(contract.signed_at) > self.as_of:
                continue
            successors = self.successors(contract, due)
            if not successors and not self.is_over(contract, due):
                continue
            rate = self.rates.recurring(contract.currency, due)
            amount = Fraction(contract.annual_amount) * rate
            signed = sum((Fraction(s.annual_amount) for s in successors), Fraction(0)) * rate
            base, renewed, decided = base + amount, renewed + min(amount, signed), decided + 1
        return _ratio(renewed, base, decided)

    def is_over(self, contract: Contract, due: date) -> bool:
        """Whether a contract without successor is lost for good."""
        return self.as_of >= due + _GRACE or contract.status in ("lapsed", "canceled")

    def successors(self, contract: Contract, due: date) -> list[Contract]:
        """Contracts that renew it, signed in time."""
        latest = min(due + _GRACE, self.as_of)
        return [
            c for c in self.world.contracts if c.renews is contract and self.clock.day(c.signed_at) <= latest
        ]

    # --- spend and forecasts ----------------------------------------------------------------------

    def daily_spend(self, category: str | None = None) -> dict[date, Fraction]:
        """What marketing and sales cost on each day, whatever it was for, or for one category."""
        daily: defaultdict[date, Fraction] = defaultdict(Fraction)
        for spend in self.world.spend:
            if spend.department in ("marketing", "sales") and category in (None, spend.category):
                last = spend.spent_until or spend.spent_on
                days = (last - spend.spent_on).days + 1
                for number in range(days):
                    day = spend.spent_on + timedelta(days=number)
                    if day <= self.as_of:
                        daily[day] += Fraction(spend.amount) * self.rates.spot(spend.currency, day) / days
        return daily

    def _acquisition_cost(self, period: Period, moved: list[Movement]) -> Figure:
        spent = sum((amount for day, amount in self.spend.items() if period.holds(day)), Fraction(0))
        new = len({m.company_id for m in moved if m.movement == "new"})
        return _ratio(spent, new, new)

    def _calls(self) -> Iterator["_Call"]:
        """The commits in force when their period began, of the periods that are over, beside what was won."""
        in_force: dict[tuple[str, date, date], Forecast] = {}
        for call in self.world.forecasts:
            if call.category == "commit" and self.clock.day(call.submitted_at) < call.period_start:
                key = (call.unit, call.period_start, call.period_end)
                if key not in in_force or in_force[key].submitted_at <= call.submitted_at:
                    in_force[key] = call
        for call in in_force.values():
            if call.period_end <= self.as_of + DAY:
                yield _Call(call, self.won(call))

    def won(self, call: Forecast) -> Fraction:
        """What the unit of a call won in its period."""
        return self._won_by(call.unit, call.period_start, call.period_end)

    def won_before(self, call: Forecast) -> Fraction:
        """What it won in the period of the same length before."""
        months = (call.period_end.year - call.period_start.year) * 12
        months += call.period_end.month - call.period_start.month
        return self._won_by(call.unit, months_later(call.period_start, -months), call.period_start)

    def _won_by(self, unit: str, start: date, end: date) -> Fraction:
        mine = [
            d
            for d in self._closed(start, end - DAY, "all")
            if d.stage == "won" and unit in ("company", d.owner.team if d.owner else None)
        ]
        return sum((d.amount or Fraction(0) for d in mine), Fraction(0))

    def forecasts_by_unit(self, period: Period) -> Iterator[tuple[str, Figure]]:
        """Each unit's accuracy on its own."""
        inside = [c for c in self.calls if _inside(c.call, period)]
        for unit in sorted({c.call.unit for c in inside}):
            yield unit, _accuracy([c for c in inside if c.call.unit == unit])


class _Call(NamedTuple):
    call: Forecast
    actual: Fraction


def _cycles(deals: Iterable[DealState]) -> list[int]:
    return [(d.closed_on - d.opened_on).days for d in deals if d.stage == "won" and d.closed_on is not None]


def _inside(call: Forecast, period: Period) -> bool:
    return period.start <= call.period_start and call.period_end <= period.end


def _accuracy(calls: list[_Call]) -> Figure:
    actual = sum((c.actual for c in calls), Fraction(0))
    missed = sum((abs(c.actual - Fraction(c.call.amount)) for c in calls), Fraction(0))
    return _ratio(max(actual - missed, Fraction(0)), actual, len(calls))
