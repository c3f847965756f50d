"""The other readings of the KPIs, and the slices by what a deal or a customer has, record by record.

What `kpis` says by segment is said here by region, team, owner, product and the like, and with every variant
whose inputs the world knows. Nothing is summed by month or joined; each period looks at its records.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby
from operator import itemgetter

from sandbox import seeds
from sandbox.chance import coin
from sandbox.records import Change, Contract, Deal, Employee, Forecast
from sandbox.silos import crm
from sandbox.truth.calendar import DAY, Clock, Period, Rates, months_later, periods
from sandbox.truth.deals import UNKNOWN, DealState, deal_states
from sandbox.truth.kpis import Business, Figure, Key
from sandbox.world import World

_OPEN = ("prospecting", "qualified", "proposal", "negotiation")
_QUALIFIED = ("qualified", "proposal", "negotiation")
_MATURED_DAYS = 90
_EARLY_DAYS = 30

Slice = tuple[str, str]
Reading = tuple[str, str, Figure]
ALL: Slice = ("all", "all")


def readings(world: World, as_of: date, timezone: str = "UTC") -> dict[Key, Figure]:
    """Every figure at the end of `as_of`, in dollars and calendar years."""
    business = Business(world, as_of, Clock(timezone), Fraction(1))
    deals, customers = _Deals(business), _Customers(business)
    figures: dict[Key, Figure] = {}
    for period in periods(business.first_day(), as_of):
        for part in (deals, customers):
            for slice_of in part.slices:
                for kpi, variant, figure in part.figures(period, slice_of):
                    figures[Key(kpi, variant, period.grain, period.start, *slice_of)] = figure
        for kpi, variant, figure in _costs(business, period):
            figures[Key(kpi, variant, period.grain, period.start, *ALL)] = figure
        for slice_of, (kpi, variant, figure) in (
            *_calls(business, period),
            *deals.quotas(period),
            *customers.products(period),
        ):
            figures[Key(kpi, variant, period.grain, period.start, *slice_of)] = figure
    return figures


def share(numerator: Fraction | int, denominator: Fraction | int, n: int | None = None) -> Figure:
    """A ratio; `n` is the denominator where it counts records."""
    top, bottom = Fraction(numerator), Fraction(denominator)
    return Figure(top, bottom, top / bottom if bottom else None, int(bottom) if n is None else n)


def percentile(values: Iterable[Fraction | int], at: Fraction) -> Figure:
    """Linear between the two values around it."""
    ordered = sorted(values)
    if not ordered:
        return Figure(None, None, None, 0)
    place = at * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    value = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return Figure(None, None, Fraction(value), len(ordered))


def incidence(cases: Sequence[tuple[Fraction, str]]) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """Duration, share that had the event by it, share left without any: `event`, `other` or `open` cases."""
    left, had, at_risk = Fraction(1), Fraction(0), len(cases)
    for duration, same in groupby(sorted(cases), key=itemgetter(0)):
        outcomes = Counter(outcome for _, outcome in same)
        had += left * Fraction(outcomes["event"], at_risk)
        left *= 1 - Fraction(outcomes["event"] + outcomes["other"], at_risk)
        at_risk -= outcomes.total()
        yield duration, had, left


def median_until(cases: Sequence[tuple[Fraction, str]]) -> Figure:
    """The first duration by which half have had the event."""
    found = next((duration for duration, had, _ in incidence(cases) if had >= Fraction(1, 2)), None)
    return Figure(None, None, found, len(cases))


# --- deals ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stay:
    """A deal in one open stage."""

    stage: str
    entered_at: datetime
    left_at: datetime | None


@dataclass(frozen=True)
class _Known:
    """A deal as of the as-of day, and what its changes tell of the days before."""

    state: DealState
    changes: list[Change]
    stays: list[_Stay]
    qualified_at: datetime | None

    @property
    def is_won(self) -> bool:
        return self.state.stage == "won"

    @property
    def days(self) -> int | None:
        closed = self.state.closed_on
        return None if closed is None else (closed - self.state.opened_on).days


class _Deals:
    """Deals and their slices; who owned a closed deal is who closed it."""

    def __init__(self, business: Business) -> None:
        self.business, self.as_of, self.clock, self.rates = (
            business, business.as_of, business.clock, Rates(),
        )  # fmt: skip
        self.slices: defaultdict[Slice, list[_Known]] = defaultdict(list)
        for state in business.deals:
            known = self._known(state)
            owner = self._closer(state)
            deal, recorded = state.deal, state.deal.account_recorded
            for slice_of in (
                ALL,
                ("segment", state.segment),
                ("region", deal.company.region if recorded else UNKNOWN),
                ("owner", owner.name if owner else UNKNOWN),
                ("team", owner.team if owner else UNKNOWN),
                ("product", deal.product or UNKNOWN),
                ("lead_source", crm.SOURCE_WORDS[deal.source] if deal.source else UNKNOWN),
                ("direction", deal.direction or UNKNOWN),
                ("kind", deal.kind or UNKNOWN),
            ):
                self.slices[slice_of].append(known)
        self.slices.setdefault(ALL, [])
        self._past: dict[date, dict[str, DealState]] = {}

    def _known(self, state: DealState) -> _Known:
        cutoff = self.clock.end_of(self.as_of)
        changes = [change for change in state.deal.changes if change.at < cutoff]
        moves = [change for change in changes if change.field == "stage"]
        first = str(next((c.old for c in state.deal.changes if c.field == "stage"), state.deal.stage))
        entries = [(state.deal.opened_at, first), *((c.at, str(c.new)) for c in moves)]
        ends = [*(at for at, _ in entries[1:]), None]
        stays: list[_Stay] = []
        for (at, stage), end in zip(entries, ends, strict=True):
            if stays and stays[-1].stage == stage and stays[-1].left_at == at:
                stays[-1] = _Stay(stage, stays[-1].entered_at, end)
            else:
                stays.append(_Stay(stage, at, end))
        qualified = next((at for at, stage in entries if stage in (*_QUALIFIED, "won")), None)
        return _Known(state, changes, stays, qualified)

    def _closer(self, state: DealState) -> Employee | None:
        """The owner when the deal was closed; of an open deal the owner."""
        if state.closed_on is None:
            return state.owner
        cutoff = self.clock.end_of(self.as_of)
        moves = [c for c in state.deal.changes if c.field == "stage" and c.at < cutoff]
        closed_at = moves[-1].at
        owner = state.deal.owner
        for change in reversed(state.deal.changes):
            if change.field == "owner" and change.at > closed_at:
                assert change.old is None or isinstance(change.old, Employee)
                owner = change.old
        return owner

    def _amount_at(self, deal: Deal, at: datetime) -> Fraction:
        amount = deal.amount
        for change in reversed(deal.changes):
            if change.field == "amount" and change.at > at:
                amount = change.old  # type: ignore[assignment]
        return Fraction(amount or 0)

    def figures(self, period: Period, slice_of: Slice) -> Iterator[Reading]:
        deals = self.slices[slice_of]
        closed = [d for d in deals if d.state.closed_on is not None and period.holds(d.state.closed_on)]
        won = [d for d in closed if d.is_won]
        yield from self._win_rates(period, deals, closed, won)
        yield from self._cycles(period, deals, closed, won)
        sizes = [
            d.state.amount
            for d in won
            if d.state.amount is not None and d.state.deal.kind in ("new_business", "expansion")
        ]
        yield "average_deal_size", "default", share(sum(sizes, Fraction(0)), len(sizes))
        yield "average_deal_size", "median", percentile(sizes, Fraction(1, 2))
        yield from self._velocity(period, deals)
        yield from self._pipeline(period, deals)
        yield from self._stays(period, deals)
        yield from self._slips(period, deals)

    def _win_rates(
        self, period: Period, deals: list[_Known], closed: list[_Known], won: list[_Known]
    ) -> Iterator[Reading]:
        def amount(chosen: list[_Known]) -> Fraction:
            return sum((d.state.amount or Fraction(0) for d in chosen), Fraction(0))

        created = [d for d in deals if period.holds(d.state.opened_on)]
        still_open = [
            d
            for d in deals
            if d.state.opened_on <= period.last
            and (d.state.closed_on is None or d.state.closed_on > period.last)
        ]
        yield "win_rate", "default", share(len(won), len(closed))
        yield "win_rate", "amount_weighted", share(amount(won), amount(closed), len(closed))
        yield "win_rate", "created_cohort", share(sum(d.is_won for d in created), len(created))
        yield "win_rate", "including_open", share(len(won), len(closed) + len(still_open))
        cases = self._followed(created)
        curve = list(incidence(cases))
        matured = curve and (curve[-1][0] >= _MATURED_DAYS or curve[-1][2] == 0)
        share_won = max((had for at, had, _ in curve if at <= _MATURED_DAYS), default=Fraction(0))
        yield (
            "win_rate", "matured_cohort", Figure(None, None, share_won if matured else None, len(created)),
        )  # fmt: skip

    def _followed(self, deals: list[_Known]) -> list[tuple[Fraction, str]]:
        """Days until each deal was won or lost, or as far as it is known."""
        cases = []
        for deal in deals:
            days = (self.as_of - deal.state.opened_on).days if deal.days is None else deal.days
            outcome = "open" if deal.days is None else "event" if deal.is_won else "other"
            cases.append((Fraction(days), outcome))
        return cases

    def _cycles(
        self, period: Period, deals: list[_Known], closed: list[_Known], won: list[_Known]
    ) -> Iterator[Reading]:
        lengths = [d.days for d in won if d.days is not None]
        lost = [d.days for d in closed if not d.is_won and d.days is not None]
        name = "sales_cycle_length"
        for variant, at in {"default": (1, 2), "p25": (1, 4), "p75": (3, 4), "p90": (9, 10)}.items():
            yield name, variant, percentile(lengths, Fraction(*at))
        yield name, "lost", percentile(lost, Fraction(1, 2))
        yield name, "mean", share(sum(lengths), len(lengths))
        yield name, "mean_all_closed", share(sum(lengths) + sum(lost), len(lengths) + len(lost))
        opened = [d for d in deals if period.holds(d.state.opened_on)]
        yield name, "kaplan_meier_median", median_until(self._followed(opened))

    def _velocity(self, period: Period, deals: list[_Known]) -> Iterator[Reading]:
        start = period.start if period.grain == "all_time" else months_later(period.end, -12)
        closed = [
            d for d in deals if d.state.closed_on is not None and start <= d.state.closed_on <= period.last
        ]
        won = [d for d in closed if d.is_won]
        past = self._stood(period.last)
        ahead = sum(
            1 for d in deals if (then := past.get(d.state.deal.id)) is not None and then.stage in _QUALIFIED
        )
        lengths = [d.days for d in won if d.days is not None]
        amounts = [d.state.amount for d in won if d.state.amount is not None]
        expected = None
        if amounts and sum(lengths):
            average = sum(amounts, Fraction(0)) / len(amounts)
            expected = ahead * average * Fraction(len(won), len(closed))
        for variant, days in {
            "default": Fraction(sum(lengths), len(lengths)) if lengths else None,
            "median_cycle": percentile(lengths, Fraction(1, 2)).value,
        }.items():
            value = expected / days if expected is not None and days else None
            yield "pipeline_velocity", variant, Figure(None, None, value, ahead)
            if variant == "default":
                monthly = None if value is None else value * Fraction(365, 12)
                yield "pipeline_velocity", "per_month", Figure(None, None, monthly, ahead)

    def _stood(self, day: date) -> dict[str, DealState]:
        """The deals that existed at the end of a day, as they stood then."""
        if day not in self._past:
            self._past[day] = {d.deal.id: d for d in deal_states(self.business.world, day, self.clock)}
        return self._past[day]

    def _pipeline(self, period: Period, deals: list[_Known]) -> Iterator[Reading]:
        entered = [
            (d, d.qualified_at)
            for d in deals
            if d.qualified_at is not None and period.holds(self.clock.day(d.qualified_at))
        ]
        total = sum(
            (
                self._amount_at(d.state.deal, at) * self.rates.spot(d.state.deal.currency, self.clock.day(at))
                for d, at in entered
            ),
            Fraction(0),
        )
        yield "pipeline_created", "default", Figure(total, None, total, len(entered))

    def _stays(self, period: Period, deals: list[_Known]) -> Iterator[Reading]:
        end = self.clock.end_of(self.as_of)
        cases: defaultdict[str, list[tuple[Fraction, str]]] = defaultdict(list)
        for deal in deals:
            for stay in deal.stays:
                if stay.stage in _OPEN and period.holds(self.clock.day(stay.entered_at)):
                    seconds = int(((stay.left_at or end) - stay.entered_at).total_seconds())
                    case = (Fraction(seconds, 86400), "event" if stay.left_at else "open")
                    cases[stay.stage].append(case)
                    cases["default"].append(case)
        for variant in ("default", *_OPEN):
            yield "time_in_stage", variant, median_until(cases[variant])

    def _expected(self, deal: Deal, day: date) -> date:
        """When it was expected to close, as of the end of a day."""
        expected = deal.expected_close_on
        for change in reversed(deal.changes):
            if change.field == "expected_close_on" and change.at >= self.clock.end_of(day):
                assert isinstance(change.old, date)
                expected = change.old
        return expected

    def _open_on(self, day: date) -> Iterator[tuple[DealState, date, Fraction]]:
        """The open deals of a day, when each was expected to close, and its amount at the rate of the day."""
        known = {d.deal.id for d in self.business.deals}
        for then in self._stood(day).values():
            if then.is_open and then.deal.id in known:
                yield then, self._expected(then.deal, day), then.amount or Fraction(0)

    def _slips(self, period: Period, deals: list[_Known]) -> Iterator[Reading]:
        if period.grain not in ("month", "quarter", "year"):
            return
        mine = {d.state.deal.id: d for d in deals}
        expected = [
            (mine[then.deal.id], amount)
            for then, closing, amount in self._open_on(period.start - DAY)
            if period.start <= closing < period.end and then.deal.id in mine
        ]
        slipped = sum(
            (
                amount
                for d, amount in expected
                if d.state.closed_on is None or d.state.closed_on > period.last
            ),
            Fraction(0),
        )
        figure = share(slipped, sum((amount for _, amount in expected), Fraction(0)), len(expected))
        if period.end > self.as_of + DAY:
            figure = Figure(None, None, None, 0)
        yield "slip_rate", "default", figure

    def quotas(self, period: Period) -> Iterator[tuple[Slice, Reading]]:
        """What was won against the quarterly targets, and what is open against the rest of them."""
        for slice_of, targets in _quotas(self.as_of).items():
            inside = [
                start
                for start in targets
                if period.start <= start and (months_later(start, 3) <= period.end or period.years is None)
            ]
            won: list[Fraction] = []
            if inside:
                first, end = min(inside), months_later(max(inside), 3)
                won = [
                    d.state.amount
                    for d in self.slices.get(slice_of, ())
                    if d.is_won
                    and d.state.amount is not None
                    and d.state.closed_on is not None
                    and first <= d.state.closed_on < end
                ]
            target = sum((targets[start] for start in inside), Fraction(0))
            total = sum(won, Fraction(0))
            yield slice_of, ("quota_attainment", "default", share(total, target, len(won)))
            if period.grain not in ("month", "quarter", "year"):
                continue
            runs = period.end > self.as_of
            day = self.as_of if runs else period.start - DAY
            ahead = [
                amount
                for then, closing, amount in self._open_on(day)
                if period.start <= closing < period.end
                and slice_of in (ALL, ("team", then.owner.team if then.owner else UNKNOWN))
            ]
            rest = max(target - (total if runs else 0), Fraction(0))
            yield slice_of, (
                "pipeline_coverage", "default", share(sum(ahead, Fraction(0)), rest, len(ahead)),
            )  # fmt: skip


def _quotas(as_of: date) -> dict[Slice, dict[date, Fraction]]:
    """The quarterly targets that have begun, by slice and first day."""
    found: defaultdict[Slice, dict[date, Fraction]] = defaultdict(dict)
    for kpi, _, dimension, value, _, start, target, _ in seeds.targets().rows:
        if kpi == "quota_attainment" and start <= as_of:
            found[dimension, value][start] = Fraction(target)
    return found


# --- customers ------------------------------------------------------------------------------------


class _Customers:
    """Companies with recurring revenue or contracts, by segment and region."""

    def __init__(self, business: Business) -> None:
        self.business, self.as_of, self.ledger, self.rates = (
            business, business.as_of, business.ledger, business.rates,
        )  # fmt: skip
        self.slices: defaultdict[Slice, list[str]] = defaultdict(list)
        self.slices[ALL] = []
        self.first_used: dict[str, date] = {}
        self._worth: dict[tuple[str, date], Fraction] = {}
        for usage in business.world.usage:
            if usage.events > 0 and usage.used_on <= business.as_of:
                before = self.first_used.get(usage.company.id, usage.used_on)
                self.first_used[usage.company.id] = min(before, usage.used_on)
        for company in business.world.companies:
            for slice_of in (
                ALL,
                ("segment", company.recorded_segment or UNKNOWN),
                ("region", company.region),
            ):
                self.slices[slice_of].append(company.id)

    def _paid(self, company: str, day: date) -> Fraction:
        return self.ledger.recurring(company, day) if company in self.ledger.companies else Fraction(0)

    def _is_customer(self, company: str, day: date) -> bool:
        return company in self.ledger.companies and self.ledger.state(company, day).is_customer

    def figures(self, period: Period, slice_of: Slice) -> Iterator[Reading]:
        companies = self.slices[slice_of]
        yield from self._recurring(period, companies)
        yield from self._retention(period, companies)
        yield from self._renewals(period, companies)
        yield from self._lifetime(period, companies)
        yield from self._service(period, companies)

    def _recurring(self, period: Period, companies: list[str]) -> Iterator[Reading]:
        paid = sum((self._paid(c, period.last) for c in companies), Fraction(0))
        paying = sum(1 for c in companies if self._paid(c, period.last))
        yield "annual_recurring_revenue", "default", Figure(paid, None, paid, paying)
        yield "monthly_recurring_revenue", "default", Figure(paid / 12, None, paid / 12, paying)
        yield "annual_recurring_revenue", "committed", self._committed(period, companies, paid)
        spot = sum(
            (
                value * self.rates.spot(item[2], period.last)
                for c in companies
                if c in self.ledger.companies
                for item, value in self.ledger.state(c, period.last).items.items()
            ),
            Fraction(0),
        )
        yield "annual_recurring_revenue", "spot_currency", Figure(spot, None, spot, paying)

    def products(self, period: Period) -> Iterator[tuple[Slice, Reading]]:
        """Revenue and upsells by what was sold."""
        eve = period.start - DAY
        sold: defaultdict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 3)
        grown: defaultdict[str, Fraction] = defaultdict(Fraction)
        for company in self.ledger.companies:
            for item, value in self.ledger.state(company, period.last).items.items():
                sold[item[1]][0] += value * self.rates.recurring(item[2], period.last)
                sold[item[1]][1] += value * self.rates.spot(item[2], period.last)
            for item, value in self.ledger.state(company, eve).items.items():
                sold[item[1]][2] += value * self.rates.recurring(item[2], eve)
        for move in self.ledger.movements:
            if move.movement == "expansion" and period.holds(move.occurred_on):
                grown[move.product] += move.amount
        for product in sorted(sold.keys() | grown.keys()):
            now, spot, before = sold[product]
            for kpi, variant, value in (
                ("annual_recurring_revenue", "default", now),
                ("annual_recurring_revenue", "spot_currency", spot),
                ("monthly_recurring_revenue", "default", now / 12),
            ):
                yield ("product", product), (kpi, variant, Figure(value, None, value, 1))
            base = before if period.grain != "all_time" else Fraction(0)
            yield ("product", product), ("upsells", "default", share(grown[product], base, 1))

    def _committed(self, period: Period, companies: list[str], paid: Fraction) -> Figure:
        """With what is signed and has not begun, without what is known to end; for the as-of day alone."""
        if period.last != self.as_of:
            return Figure(None, None, None, 0)
        chosen, total = set(companies), paid

        def worth(contract: Contract) -> Fraction:
            day = min(contract.ends_on or contract.starts_on, self.as_of)
            return Fraction(contract.annual_amount) * self.rates.recurring(contract.currency, day)

        for contract in self.business.world.contracts:
            if contract.company.id not in chosen or not self._is_signed(contract.signed_at):
                continue
            if contract.starts_on > self.as_of:
                total += worth(contract) - (worth(contract.renews) if contract.renews else 0)
            elif contract.ends_on and contract.ends_on > self.as_of:
                total -= worth(contract) if contract.status in ("lapsed", "canceled") else 0
        return Figure(total, None, total, 1)

    def _retention(self, period: Period, companies: list[str]) -> Iterator[Reading]:
        moved = [m for c in companies for m in self.ledger.movements_of(c) if period.holds(m.occurred_on)]
        has_start = period.grain != "all_time"
        eve = period.start - DAY
        base = [c for c in companies if self._is_customer(c, eve)] if has_start else []
        before = {c: self._paid(c, eve) for c in base}
        after = {c: self._paid(c, period.last) for c in base}
        lost = [c for c in base if not self._is_customer(c, period.last)]
        start = sum(before.values(), Fraction(0))
        kept = sum((min(before[c], after[c]) for c in base), Fraction(0))
        end = sum(after.values(), Fraction(0))
        reasons = {c: self._reason(c, period.last) for c in lost}
        yield "customer_churn", "default", share(len(lost), len(base))
        for variant in ("voluntary", "involuntary"):
            count = sum(1 for reason in reasons.values() if reason == f"cancellation_{variant}")
            yield "customer_churn", variant, share(count, len(base))
        due = {
            c.company.id
            for c in self.business.world.contracts
            if c.ends_on is not None and period.holds(c.ends_on) and self._is_signed(c.signed_at)
        }
        eligible = [c for c in base if c in due]
        yield "customer_churn", "eligible_only", share(sum(c in due for c in lost), len(eligible))
        yield "customer_churn", "revenue_gross", share(start - kept, start, len(base))
        yield "customer_churn", "revenue_net", share(start - end, start, len(base))
        yield "net_revenue_retention", "default", share(end, start, len(base))
        yield "gross_revenue_retention", "default", share(kept, start, len(base))
        everyone = sum((self._paid(c, eve) for c in companies), Fraction(0)) if has_start else Fraction(0)

        def flow(*kinds: str) -> Fraction:
            return sum((m.amount for m in moved if m.movement in kinds), Fraction(0))

        nothing = Fraction(0)
        net = everyone + flow("expansion", "contraction", "churn") if has_start else nothing
        gross = everyone + flow("contraction", "churn") if has_start else nothing
        yield "net_revenue_retention", "monthly_flow", share(net, everyone, len(moved))
        yield "gross_revenue_retention", "monthly_flow", share(gross, everyone, len(moved))
        grown = [m for m in moved if m.movement == "expansion"]
        for variant, named in {
            "default": None,
            "seats_and_tier": ("seats", "tier"),
            "cross_sell": ("cross_sell",),
            "price_uplift": ("price_uplift",),
            "contractual_escalator": ("contractual_escalator",),
        }.items():
            amount = sum((m.amount for m in grown if named is None or m.reason in named), Fraction(0))
            yield "upsells", variant, share(amount, everyone, len(grown))
        yield "upsells", "customer_count", share(len({m.company_id for m in grown}), len(base))

    def _reason(self, company: str, day: date) -> str | None:
        """Why a company that is no customer at the end of a day left."""
        churns = [
            m for m in self.ledger.movements_of(company) if m.movement == "churn" and m.occurred_on <= day
        ]
        last = max(m.occurred_on for m in churns)
        return min((m.reason for m in churns if m.occurred_on == last and m.reason), default=None)

    def _is_signed(self, at: datetime) -> bool:
        return self.business.clock.day(at) <= self.as_of

    def _renewals(self, period: Period, companies: list[str]) -> Iterator[Reading]:
        chosen = set(companies)
        base = new = renewed = on_time = early = Fraction(0)
        decided, customers, stayed = 0, set(), set()
        for contract in self.business.world.contracts:
            due = contract.ends_on
            if due is None or not period.holds(due) or contract.company.id not in chosen:
                continue
            if not self._is_signed(contract.signed_at) or not contract.annual_amount:
                continue
            successors = self.business.successors(contract, due)
            over = self.business.is_over(contract, due)
            if not successors and not over:
                continue
            rate = self.rates.recurring(contract.currency, due)
            amount = Fraction(contract.annual_amount) * rate
            signed = [
                (self.business.clock.day(s.signed_at), Fraction(s.annual_amount) * rate) for s in successors
            ]
            base, decided = base + amount, decided + 1
            customers.add(contract.company.id)
            if successors:
                stayed.add(contract.company.id)
            new += sum((value for _, value in signed), Fraction(0))
            renewed += min(amount, sum((value for _, value in signed), Fraction(0)))
            on_time += min(amount, sum((value for day, value in signed if day <= due), Fraction(0)))
            early += min(
                amount, sum((value for day, value in signed if (due - day).days > _EARLY_DAYS), Fraction(0))
            )
        for variant, part in {
            "default": renewed, "net": new, "on_time": on_time, "early": early, "late": renewed - on_time,
        }.items():  # fmt: skip
            yield "renewals", variant, share(part, base, decided)
        yield "renewals", "logo", share(len(stayed), len(customers))

    def _lifetime(self, period: Period, companies: list[str]) -> Iterator[Reading]:
        now = [c for c in companies if self._is_customer(c, period.last)]
        value = None
        if period.years is not None and now:
            base = [c for c in companies if self._is_customer(c, period.start - DAY)]
            lost = sum(1 for c in base if not self._is_customer(c, period.last))
            if lost:
                paid = sum((self._paid(c, period.last) for c in companies), Fraction(0)) * period.years
                value = paid / len(now) / Fraction(lost, len(base))
        yield "customer_lifetime_value", "simple", Figure(None, None, value, len(now))
        earned = sum((self._earned(c, period.last) for c in companies), Fraction(0))
        ever = sum(
            1 for c in companies if any(m.occurred_on <= period.last for m in self.ledger.movements_of(c))
        )
        yield "customer_lifetime_value", "historical", share(earned, ever)

    def _earned(self, company: str, last: date) -> Fraction:
        """What a customer was worth up to the end of a day, day by day."""
        key = (company, last)
        if key not in self._worth:
            self._worth[key] = self._sum_of_days(company, last)
        return self._worth[key]

    def _sum_of_days(self, company: str, last: date) -> Fraction:
        days = sorted({m.occurred_on for m in self.ledger.movements_of(company) if m.occurred_on <= last})
        if not days:
            return Fraction(0)
        ends = [*days[1:], last + DAY]
        return sum(
            (
                self._paid(company, first) * (end - first).days / 365
                for first, end in zip(days, ends, strict=True)
            ),
            Fraction(0),
        )

    def _service(self, period: Period, companies: list[str]) -> Iterator[Reading]:
        chosen, clock = set(companies), self.business.clock
        now = clock.end_of(self.as_of)
        answers: defaultdict[str, list[Fraction]] = defaultdict(list)
        for survey in self.business.world.surveys:
            if survey.company.id in chosen and period.holds(clock.day(survey.answered_at)):
                answers[survey.kind].append(Fraction(survey.score))
        satisfied = share(sum(score >= Fraction(3, 4) for score in answers["csat"]), len(answers["csat"]))
        yield "satisfaction", "default", satisfied
        yield "satisfaction", "csat", satisfied
        net = sum((score >= 9) - (score <= 6) for score in answers["nps"])
        yield "satisfaction", "nps", share(net, len(answers["nps"]))
        waits = []
        for ticket in self.business.world.tickets:
            is_spam = coin(0, "spam", ticket.id) < 0.01
            if not is_spam and ticket.company.id in chosen and period.holds(clock.day(ticket.opened_at)):
                replied = ticket.first_replied_at
                is_answered = replied is not None and replied < now
                end = replied if is_answered and replied else now
                seconds = max(int((end - ticket.opened_at).total_seconds()), 0)
                waits.append((Fraction(seconds, 86400), "event" if is_answered else "open"))
        yield "first_reply_time", "default", median_until(waits)
        starts = []
        for company in companies:
            moved = self.ledger.movements_of(company)
            if moved and period.holds(moved[0].occurred_on):
                used = self.first_used.get(company)
                days = ((used or self.as_of) - moved[0].occurred_on).days
                starts.append((Fraction(max(days, 0)), "event" if used else "open"))
        yield "time_to_first_value", "default", median_until(starts)


# --- what is not sliced -------------------------------------------------------------------------


def _costs(business: Business, period: Period) -> Iterator[Reading]:
    """Spend against the customers it won."""

    def spent(daily: dict[date, Fraction], first: date, last: date) -> Fraction:
        return sum((amount for day, amount in daily.items() if first <= day <= last), Fraction(0))

    moved = [m for m in business.ledger.movements if period.holds(m.occurred_on) and m.movement == "new"]
    customers = len({(m.company_id, m.occurred_on) for m in moved})
    amount = sum((m.amount for m in moved), Fraction(0))
    total = spent(business.spend, period.start, period.last)
    paid = spent(business.daily_spend("advertising"), period.start, period.last)
    yield "customer_acquisition_cost", "paid_only", share(paid, customers)
    yield "customer_acquisition_cost", "ratio_to_new_arr", share(total, amount, customers)
    yield "cac_payback", "default", share(total * 365, amount, customers)
    cycles = [
        (d.closed_on - d.opened_on).days
        for d in business.deals
        if d.stage == "won" and d.closed_on is not None
    ]
    days = round(float(percentile(cycles, Fraction(1, 2)).value or 0))
    lagged = spent(business.spend, period.start - days * DAY, period.last - days * DAY)
    yield "customer_acquisition_cost", "lagged_by_cycle", share(lagged, customers)
    length = {"month": 1, "quarter": 3, "year": 12}.get(period.grain)
    if length is not None:
        previous = months_later(period.start, -length)
        first = business.first_day().replace(day=1)
        value = None
        before = spent(business.spend, previous, period.start - DAY)
        if before and period.start > first:
            gained = _recurring(business, period.last) - _recurring(business, period.start - DAY)
            value = gained / before
        yield "magic_number", "default", Figure(None, None, value, 1)


def _calls(business: Business, period: Period) -> Iterator[tuple[Slice, Reading]]:
    """Commit calls against what was won, by the call in force at several moments."""
    for variant, days in {"default": None, **{f"horizon_{d}": d for d in (90, 60, 30, 15)}}.items():
        in_force: dict[tuple[str, date, date], Forecast] = {}
        for call in business.world.forecasts:
            moment = call.period_start if days is None else call.period_end - days * DAY
            if call.category == "commit" and business.clock.day(call.submitted_at) < moment:
                key = (call.unit, call.period_start, call.period_end)
                if key not in in_force or in_force[key].submitted_at <= call.submitted_at:
                    in_force[key] = call
        inside = [
            call
            for call in in_force.values()
            if period.start <= call.period_start
            and call.period_end <= period.end
            and call.period_end <= business.as_of + DAY
        ]
        for slice_of in (ALL, *(("forecast_unit", unit) for unit in sorted({c.unit for c in inside}))):
            chosen = [c for c in inside if slice_of in (ALL, ("forecast_unit", c.unit))]
            scored = [(business.won(c), Fraction(c.amount)) for c in chosen]
            actual = sum((won for won, _ in scored), Fraction(0))
            missed = sum((abs(won - called) for won, called in scored), Fraction(0))
            n = len(scored)
            yield (
                slice_of,
                ("forecast_accuracy", variant, share(max(actual - missed, Fraction(0)), actual, n)),
            )
            if variant == "default":
                parts = [abs(won - called) / won for won, called in scored if won > 0]
                yield slice_of, ("forecast_accuracy", "mape", share(sum(parts, Fraction(0)), len(parts)))
                bias = sum((won - called for won, called in scored), Fraction(0))
                yield slice_of, ("forecast_accuracy", "bias", share(bias, actual, n))
                naive = sum(
                    (abs(won - business.won_before(c)) for c, (won, _) in zip(chosen, scored, strict=True)),
                    Fraction(0),
                )
                yield slice_of, (
                    "forecast_accuracy", "skill_against_naive", share(naive - missed, naive, n),
                )  # fmt: skip


def _recurring(business: Business, day: date) -> Fraction:
    return sum((business.ledger.recurring(c, day) for c in business.ledger.companies), Fraction(0))
