"""Customers: what they pay for, how it grows, shrinks, pauses, fails, ends and comes back; terms and
renewals.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from sandbox import billing, deals, employees, rules
from sandbox.chance import pick, stream
from sandbox.records import Company, Contract, Deal, Period, Subscription

if TYPE_CHECKING:
    from sandbox.world import World


def begin(world: "World", deal: Deal, signed_at: datetime) -> None:
    """A deal was won: the service starts some days later, perhaps after a trial, perhaps with a term."""
    company, rng = deal.company, deal.rng
    starts_on = world.day_in(rng.choice((0, 1, 1, 3, 7, 14, 20)))
    interval = "year" if rng.random() < rules.YEARLY_SHARE[company.segment] else "month"
    subscription = _subscription(world, company, interval, starts_on)
    if interval == "month" and company.segment == "SMB" and rng.random() < rules.TRIAL_SHARE:
        _trial(world, company, subscription.id, deal.plan, world.today, 14)
        starts_on = subscription.starts_on = world.day_in(14)
    period = _item(world, subscription, "Core", deal.plan, deal.seats, "signup", starts_on)
    _perhaps_discount(rng, period)
    if rng.random() < rules.ONE_OFF_SHARE:
        _extra(
            world, subscription, "Onboarding", rng.choice(("one_off", "services")), Decimal(900), starts_on
        )
    if company.success_manager is None:
        company.success_manager = employees.success_manager_for(world, company, rng)
    if interval == "year" or (company.segment == "Mid-Market" and rng.random() < 0.5):
        _sign(world, subscription, signed_at, starts_on, None)
    elif rng.random() < 0.5:
        _month_to_month(world, subscription, signed_at, starts_on)
    company.left_on = None
    world.on(starts_on, lambda: _start(world, subscription))


def _subscription(world: "World", company: Company, interval: str, starts_on: date) -> Subscription:
    number = len(world.subscriptions) + 1
    rng = stream(world.seed, "subscription", number)
    subscription = Subscription(f"S{number:05d}", company, company.currency, interval, starts_on, rng)
    world.subscriptions.append(subscription)
    company.subscriptions.append(subscription)
    return subscription


def _start(world: "World", subscription: Subscription) -> None:
    company = subscription.company
    subscription.state = "active"
    company.first_started_on = company.first_started_on or world.today
    company.left_on = None
    billing.start(world, subscription)
    if subscription.rng.random() < rules.METERED_SHARE:
        _metered(world, subscription)


def _new_period(
    world: "World",
    subscription: Subscription,
    product: str,
    plan: str,
    kind: str,
    status: str,
    quantity: int,
    amount: Decimal,
    starts_on: date,
    ends_on: date | None,
    reason: str | None,
    interval: str,
) -> Period:
    at = world.midnight() + timedelta(hours=6, seconds=len(world.periods) % 3600)
    period = Period(
        id=f"I{len(world.periods) + 1:06d}",
        subscription_id=subscription.id,
        company=subscription.company,
        product=product,
        plan=plan,
        kind=kind,
        status=status,
        quantity=quantity,
        amount=amount,
        currency=subscription.currency,
        interval=interval,
        interval_count=1,
        discount_percent=None,
        discount_amount=None,
        discount_ends_on=None,
        starts_on=starts_on,
        ends_on=ends_on,
        reason=reason,
        created_at=at,
        updated_at=at,
    )
    world.periods.append(period)
    return period


def price(product: str, plan: str, seats: int, currency: str, interval: str) -> Decimal:
    """List price of an item per interval."""
    if product == "Insights":
        yearly = deals.insights_price(seats, currency)
    else:
        yearly = deals.yearly_price(plan, seats, currency)
    if interval == "year":
        return Decimal(round(float(yearly) * rules.YEARLY_REBATE))
    return (yearly / 12).quantize(Decimal("0.01"))


def _item(
    world: "World",
    subscription: Subscription,
    product: str,
    plan: str,
    seats: int,
    reason: str,
    starts_on: date,
) -> Period:
    amount = price(product, plan, seats, subscription.currency, subscription.interval)
    period = _new_period(
        world,
        subscription,
        product,
        plan,
        "recurring",
        "active",
        seats,
        amount,
        starts_on,
        None,
        reason,
        subscription.interval,
    )
    subscription.items[product] = period
    return period


def _perhaps_discount(rng: Random, period: Period) -> None:
    chance = rng.random()
    months = rng.choice((2, 3, 6, 12))
    if chance < rules.FREE_MONTHS_SHARE:
        period.discount_percent, months = Decimal(1), 2
    elif chance < rules.DISCOUNT_SHARE * 0.7:
        period.discount_percent = Decimal(rng.choice((10, 15, 20, 25))) / 100
    elif chance < rules.DISCOUNT_SHARE:
        period.discount_amount = (period.amount / 10).quantize(Decimal("0.01"))
        if rng.random() < 0.2:  # both at once: the percentage comes first
            period.discount_percent = Decimal("0.05")
    else:
        return
    if rng.random() < 0.85 or period.discount_percent == 1:
        period.discount_ends_on = plus_months(period.starts_on, months)


def _trial(
    world: "World", company: Company, subscription_id: str, plan: str, starts_on: date, days: int
) -> None:
    shell = Subscription(subscription_id, company, company.currency, "month", starts_on, company.rng)
    amount = price("Core", plan, 5, company.currency, "month")
    _new_period(
        world,
        shell,
        "Core",
        plan,
        "trial",
        "trialing",
        5,
        amount,
        starts_on,
        starts_on + timedelta(days=days),
        "signup",
        "month",
    )


def _extra(
    world: "World", subscription: Subscription, product: str, kind: str, amount: Decimal, starts_on: date
) -> None:
    """Charges that never recur: set-up, services, and what was used."""
    end = plus_months(starts_on, 1)
    _new_period(
        world, subscription, product, product, kind, "active", 1, amount, starts_on, end, None, "month"
    )


def _metered(world: "World", subscription: Subscription) -> None:
    if subscription.state in ("active", "past_due"):
        amount = Decimal(subscription.rng.randrange(500, 20000)) / 100
        _extra(world, subscription, "API calls", "metered", amount, world.today)
    if subscription.state != "ended":
        world.on(plus_months(world.today, 1), lambda: _metered(world, subscription))


def live(world: "World") -> None:
    """Every subscription lives one day; so do companies that left and small ones that only try."""
    for subscription in world.subscriptions:
        if subscription.state == "active":
            _live_one_day(world, subscription)
    for company in world.companies:
        if company.known_from is None:
            continue
        if company.left_on is not None:
            if company.rng.random() < rules.per_day(rules.COMEBACKS_PER_YEAR):
                _come_back(world, company)
        elif (
            company.segment == "SMB"
            and not company.subscriptions
            and company.rng.random() < rules.per_day(rules.UNCONVERTED_TRIALS_PER_YEAR)
        ):
            _trial(world, company, f"S{company.id[1:]}T{world.today:%y%m%d}", "Starter", world.today, 14)


def _live_one_day(world: "World", subscription: Subscription) -> None:
    company, rng = subscription.company, subscription.rng
    events = _hazards(company, subscription)
    chance = rng.random() * 365
    for event, rate in events:
        if chance < rate:
            _EVENTS[event](world, subscription)
            return
        chance -= rate


def _hazards(company: Company, subscription: Subscription) -> list[tuple[str, float]]:
    """What can happen to a running subscription on its own, per year."""
    segment = company.segment
    failures = ("payment_failure", rules.PAYMENT_FAILURES_PER_YEAR[segment])
    if is_under_term(subscription):
        rates = [
            ("cancel", rules.BREAK_OFF_PER_YEAR * company.mood),
            failures,
            ("expansion_deal", rules.EXPANSION_DEALS_PER_YEAR[segment]),
        ]
    else:
        rates = [
            ("cancel", rules.VOLUNTARY_CHURN_PER_YEAR[segment] * company.mood),
            failures,
            ("pause", rules.PAUSES_PER_YEAR[segment]),
            ("seats_up", rules.SEATS_UP_PER_YEAR),
            ("seats_down", rules.SEATS_DOWN_PER_YEAR),
            ("tier", rules.TIER_UP_PER_YEAR),
            ("cross_sell", rules.CROSS_SELL_PER_YEAR),
        ]
    if len([s for s in company.subscriptions if s.state == "active"]) > 1:
        rates.append(("rebalance", rules.REBALANCE_PER_YEAR / 2))
    return rates


def is_under_term(subscription: Subscription) -> bool:
    """Whether a contract with an end binds the subscription."""
    return subscription.contract is not None and subscription.contract.ends_on is not None


def next_plan(plan: str) -> str:
    """The plan above; the highest stays, and so does a product without plans."""
    plans = list(rules.PLANS)
    if plan not in plans:
        return plan
    return plans[min(plans.index(plan) + 1, len(plans) - 1)]


def _replace_period(
    world: "World",
    subscription: Subscription,
    product: str,
    on: date,
    reason: str | None,
    status: str = "active",
    plan: str | None = None,
    seats: int | None = None,
    amount: Decimal | None = None,
    ends_on: date | None = None,
) -> Period:
    """End the running period of an item and let the next one follow on the same day."""
    old = subscription.items[product]
    close(world, old, on)
    plan, seats = plan or old.plan, seats or old.quantity
    if amount is None:
        unchanged = plan == old.plan and seats == old.quantity
        amount = old.amount if unchanged else price(product, plan, seats, old.currency, old.interval)
    new = _new_period(
        world,
        subscription,
        product,
        plan,
        "recurring",
        status,
        seats,
        amount,
        on,
        ends_on,
        reason,
        old.interval,
    )
    if old.discount_ends_on is None or old.discount_ends_on > on:
        new.discount_percent, new.discount_ends_on = old.discount_percent, old.discount_ends_on
        new.discount_amount = old.discount_amount if amount > 2 * (old.discount_amount or 0) else None
    subscription.items[product] = new
    return new


def close(world: "World", period: Period, on: date) -> None:
    """Set the end of a period; an end that is set already stays if it is earlier."""
    if period.ends_on is None or period.ends_on > on:
        period.ends_on = on
        period.updated_at = world.midnight() + timedelta(hours=7)


def _seats_up(world: "World", subscription: Subscription) -> None:
    core = main_item(subscription)
    more = core.quantity + max(1, round(core.quantity * subscription.rng.uniform(0.1, 0.4)))
    _replace_period(world, subscription, core.product, world.today, "seats", seats=more)


def _seats_down(world: "World", subscription: Subscription) -> None:
    core = main_item(subscription)
    fewer = max(1, round(core.quantity * subscription.rng.uniform(0.6, 0.9)))
    if fewer < core.quantity:
        _replace_period(world, subscription, core.product, world.today, "seats", seats=fewer)


def _tier(world: "World", subscription: Subscription) -> None:
    core = main_item(subscription)
    plan = next_plan(core.plan)
    if plan != core.plan:
        _replace_period(world, subscription, "Core", world.today, "tier", plan=plan)


def _cross_sell(world: "World", subscription: Subscription) -> None:
    """A further product, in the same subscription or in one of its own."""
    company = subscription.company
    if any("Insights" in s.items for s in company.subscriptions if s.state != "ended"):
        return
    seats = main_item(subscription).quantity
    if subscription.rng.random() < 0.5:
        _item(world, subscription, "Insights", "Insights", seats, "cross_sell", world.today)
        return
    second = _subscription(world, company, subscription.interval, world.today)
    _item(world, second, "Insights", "Insights", seats, "cross_sell", world.today)
    world.on(world.today, lambda: _start(world, second))


def _rebalance(world: "World", subscription: Subscription) -> None:
    """Two subscriptions change on the same day, one up and one down."""
    others = [s for s in subscription.company.subscriptions if s.state == "active" and s is not subscription]
    if not others:
        return
    up, down = main_item(subscription), main_item(others[0])
    moved = max(1, up.quantity // 10)
    _replace_period(world, subscription, up.product, world.today, "seats", seats=up.quantity + moved)
    if down.quantity > moved:
        _replace_period(world, others[0], down.product, world.today, "seats", seats=down.quantity - moved)


def _expansion_deal(world: "World", subscription: Subscription) -> None:
    if subscription.expansion_open:
        return
    core = main_item(subscription)
    intents = {"seats": 0.6}
    if next_plan(core.plan) != core.plan:
        intents["tier"] = 0.2
    if not any("Insights" in s.items for s in subscription.company.subscriptions):
        intents["cross_sell"] = 0.2
    deals.open_expansion(world, subscription, pick(subscription.rng, intents))


def expand(world: "World", subscription: Subscription, intent: str, seats: int, at: datetime) -> None:
    """An expansion deal was won: the change takes effect the next day, if the subscription still runs."""
    world.on(world.day_in(1), lambda: _take_effect(world, subscription, intent, seats))


def _take_effect(world: "World", subscription: Subscription, intent: str, seats: int) -> None:
    if subscription.state != "active":
        return
    if intent == "tier":
        _tier(world, subscription)
    elif intent == "cross_sell":
        _cross_sell(world, subscription)
    else:
        core = main_item(subscription)
        _replace_period(world, subscription, core.product, world.today, "seats", seats=core.quantity + seats)


def _cancel(world: "World", subscription: Subscription) -> None:
    """A customer gives notice: the service runs to the end of what is paid."""
    ends_on = _end_of_paid_service(subscription, world.today)
    if is_under_term(subscription):
        _break_contract(world, subscription)
        ends_on = plus_months(world.today, 1)
    subscription.state = "ending"
    for period in subscription.items.values():
        close(world, period, ends_on)
    world.on(ends_on, lambda: _end(world, subscription, "cancellation_voluntary"))


def _end_of_paid_service(subscription: Subscription, today: date) -> date:
    months = 12 if subscription.interval == "year" else 1
    number = 1
    while plus_months(subscription.starts_on, number * months) <= today:
        number += 1
    return plus_months(subscription.starts_on, number * months)


def main_item(subscription: Subscription) -> Period:
    """The item whose seats stand for the size of the subscription."""
    return subscription.items.get("Core") or subscription.items["Insights"]


def _end(world: "World", subscription: Subscription, reason: str) -> None:
    """The last day is over. Most ends leave a row that says why."""
    if subscription.state == "ended":
        return
    silent = subscription.rng.random() < rules.REASON_MISSING_SHARE
    for period in subscription.items.values():
        close(world, period, world.today)
        if not silent:
            _new_period(
                world,
                subscription,
                period.product,
                period.plan,
                "recurring",
                "canceled",
                period.quantity,
                Decimal(0),
                world.today,
                None,
                reason,
                period.interval,
            )
    subscription.state = "ended"
    company = subscription.company
    if all(s.state in ("ended", "paused_for_good") for s in company.subscriptions):
        company.left_on = world.today


def _payment_failure(world: "World", subscription: Subscription) -> None:
    """Dunning: past due first, then paid, or unpaid and over, or paid after all."""
    rng = subscription.rng
    _switch(world, subscription, "past_due", "past_due", "other")
    days = 5 + rng.randrange(20)
    fate = rng.random()
    if fate < rules.RECOVERED_SHARE:
        world.on(world.day_in(days), lambda: _switch(world, subscription, "active", "active", "other"))
        return
    world.on(
        world.day_in(days),
        lambda: _switch(world, subscription, "unpaid", "unpaid", "cancellation_involuntary"),
    )
    if rng.random() < rules.PAID_AFTER_ALL_SHARE:
        world.on(world.day_in(days + 12), lambda: _switch(world, subscription, "active", "active", "resume"))
    else:
        world.on(world.day_in(days + 30), lambda: _written_off(world, subscription))


def _written_off(world: "World", subscription: Subscription) -> None:
    if is_under_term(subscription):
        _break_contract(world, subscription)
    _end(world, subscription, "cancellation_involuntary")


def _switch(
    world: "World",
    subscription: Subscription,
    state: str,
    status: str,
    reason: str,
    ends_on: date | None = None,
) -> None:
    """All items of a subscription change their status today."""
    if subscription.state == "ended":
        return
    subscription.state = state
    for product in list(subscription.items):
        _replace_period(world, subscription, product, world.today, reason, status=status, ends_on=ends_on)


def _pause(world: "World", subscription: Subscription) -> None:
    """A rest: mostly until a day that is agreed, sometimes for good."""
    rng = subscription.rng
    if rng.random() < rules.OPEN_PAUSE_SHARE:
        _switch(world, subscription, "paused_for_good", "paused", "pause")
        company = subscription.company
        if all(s.state in ("ended", "paused_for_good") for s in company.subscriptions):
            company.left_on = world.today
        return
    ends_on = world.day_in(rng.choice((14, 30, 60, 90)))
    _switch(world, subscription, "paused", "paused", "pause", ends_on)
    world.on(ends_on, lambda: _after_pause(world, subscription))


def _after_pause(world: "World", subscription: Subscription) -> None:
    if subscription.state != "paused":
        return
    if subscription.rng.random() < rules.RETURN_FROM_PAUSE_SHARE:
        _switch(world, subscription, "active", "active", "resume")
    else:
        _end(world, subscription, "cancellation_voluntary")


def _come_back(world: "World", company: Company) -> Subscription:
    """A former customer subscribes again, smaller."""
    rng = company.rng
    last = company.subscriptions[-1]
    core = main_item(last)
    company.left_on = None
    again = _subscription(world, company, "month", world.today)
    seats = max(1, round(core.quantity * rng.uniform(0.4, 1.0)))
    plan = core.plan if core.product == "Core" else "Starter"
    _item(world, again, "Core", plan, seats, "signup", world.today)
    _start(world, again)
    return again


_EVENTS = {
    "cancel": _cancel,
    "payment_failure": _payment_failure,
    "pause": _pause,
    "seats_up": _seats_up,
    "seats_down": _seats_down,
    "tier": _tier,
    "cross_sell": _cross_sell,
    "rebalance": _rebalance,
    "expansion_deal": _expansion_deal,
}


# --- terms and renewals ---------------------------------------------------------------------------


def _month_to_month(world: "World", subscription: Subscription, signed_at: datetime, starts_on: date) -> None:
    _contract(world, subscription, signed_at, starts_on, None, _annual(subscription), None)


def _sign(
    world: "World", subscription: Subscription, signed_at: datetime, starts_on: date, renews: Contract | None
) -> Contract:
    """A term of one or two years; the second year of two costs more by contract."""
    company, rng = subscription.company, subscription.rng
    years = 2 if rng.random() < rules.TWO_YEAR_SHARE[company.segment] else 1
    ends_on = plus_months(starts_on, 12 * years)
    contract = _contract(world, subscription, signed_at, starts_on, ends_on, _annual(subscription), renews)
    if years == 2:
        world.on(plus_months(starts_on, 12), lambda: _escalate(world, subscription))
    world.on(ends_on - timedelta(days=rules.RENEWAL_NOTICE_DAYS), lambda: _notice(world, contract))
    return contract


def _contract(
    world: "World",
    subscription: Subscription,
    signed_at: datetime,
    starts_on: date,
    ends_on: date | None,
    annual: Decimal,
    renews: Contract | None,
) -> Contract:
    contract = Contract(
        id=f"K{len(world.contracts) + 1:05d}",
        company=subscription.company,
        subscription=subscription,
        signed_at=signed_at,
        starts_on=starts_on,
        ends_on=ends_on,
        annual_amount=annual,
        currency=subscription.currency,
        auto_renews=ends_on is None or subscription.rng.random() < 0.3,
        renews=renews,
        status="active",
        created_at=signed_at,
        updated_at=signed_at,
    )
    world.contracts.append(contract)
    subscription.contract = contract
    return contract


def _annual(subscription: Subscription) -> Decimal:
    factor = 1 if subscription.interval == "year" else 12
    return sum((p.amount * factor for p in subscription.items.values()), Decimal(0))


def _escalate(world: "World", subscription: Subscription) -> None:
    if subscription.state == "active":
        _raise_price(world, subscription, rules.ESCALATOR, "contractual_escalator")


def _raise_price(world: "World", subscription: Subscription, share: float, reason: str) -> None:
    for product, period in list(subscription.items.items()):
        amount = (period.amount * Decimal(str(round(1 + share, 4)))).quantize(Decimal("0.01"))
        _replace_period(world, subscription, product, world.today, reason, amount=amount)


def _notice(world: "World", contract: Contract) -> None:
    """Some months before a term ends the customer is asked, and what will come of it is settled."""
    subscription, due = contract.subscription, contract.ends_on
    if subscription.state in ("ending", "ended") or contract.status != "active" or due is None:
        return
    if subscription.state != "active":  # ask again when the bill is paid
        if world.today < due:
            world.on(world.day_in(10), lambda: _notice(world, contract))
        return
    rng = subscription.rng
    outcome = pick(rng, rules.RENEWAL_OUTCOME[contract.company.segment])
    offset = {
        "early": -rng.randint(31, 100),
        "on_time": -rng.randint(0, 30),
        "late": rng.randint(1, rules.GRACE_DAYS),
        "too_late": rng.randint(rules.GRACE_DAYS + 1, rules.GRACE_DAYS + 40),
        "lapsed": -rng.randint(0, 40),
        "silent": rng.randint(rules.GRACE_DAYS - 30, rules.GRACE_DAYS),
    }[outcome]
    result = "lost" if outcome in ("lapsed", "silent") else "won"
    deals.open_renewal(world, contract, due + timedelta(days=offset), result)
    if outcome == "lapsed":
        world.on(due, lambda: _lapse(world, contract))
    elif outcome in ("silent", "too_late"):
        world.on(
            due + timedelta(days=rules.GRACE_DAYS),
            lambda: _end(world, subscription, "cancellation_voluntary"),
        )


def _break_contract(world: "World", subscription: Subscription) -> None:
    """The customer leaves inside a term; a renewal that was on its way is lost."""
    contract = subscription.contract
    assert contract is not None
    if contract.status == "active":
        _set_status(world, contract, "canceled")
    for deal in world.open_deals:
        if deal.contract is contract and deal.planned is not None:
            deal.planned = (deal.planned[0], "lost")


def _lapse(world: "World", contract: Contract) -> None:
    if contract.status == "active" and contract.subscription.state != "ended":
        _set_status(world, contract, "lapsed")
        _end(world, contract.subscription, "cancellation_voluntary")


def _set_status(world: "World", contract: Contract, status: str) -> None:
    contract.status = status
    contract.updated_at = world.midnight() + timedelta(hours=8)


def renew(world: "World", contract: Contract, deal: Deal, signed_at: datetime) -> None:
    """The customer signed again: a new term from the due date, one paper or two, perhaps another price."""
    due, subscription = contract.ends_on, contract.subscription
    if due is None or contract.status != "active":
        return
    rng = subscription.rng
    _set_status(world, contract, "renewed")
    if subscription.state == "ended":  # too late: they come back as new service
        if subscription.company.left_on is not None:
            _sign(world, _come_back(world, subscription.company), signed_at, world.today, contract)
        return
    uplift = round(rng.uniform(0.03, 0.07), 3) if rng.random() < rules.UPLIFT_SHARE else 0.0
    resize = rng.uniform(0.75, 1.25) if rng.random() < rules.RESIZED_AT_RENEWAL_SHARE else 1.0
    annual = _annual(subscription)
    agreed = Decimal(round(float(annual) * (1 + uplift) * resize))
    if rng.random() < rules.SPLIT_RENEWAL_SHARE:
        part = (agreed * 3 / 10).quantize(Decimal(1))
        _contract(world, subscription, signed_at, due, plus_months(due, 12), part, contract)
        agreed -= part
    successor = _sign(world, subscription, signed_at, due, contract)
    successor.annual_amount = agreed
    world.on(due, lambda: _new_terms(world, subscription, uplift, resize))


def _new_terms(world: "World", subscription: Subscription, uplift: float, resize: float) -> None:
    if subscription.state != "active":
        return
    core = main_item(subscription)
    seats = max(1, round(core.quantity * resize))
    if seats != core.quantity:
        amount = (core.amount * seats / core.quantity).quantize(Decimal("0.01"))
        _replace_period(world, subscription, core.product, world.today, "seats", seats=seats, amount=amount)
    if uplift:
        _raise_price(world, subscription, uplift, "price_uplift")


def plus_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    for last in (31, 30, 29, 28):
        try:
            return date(year, month, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def copy_as_mistake(world: "World", period: Period, **fields: object) -> Period:
    """A row that should not be there, e.g. a negative amount or a deleted test."""
    wrong = replace(period, id=f"I{len(world.periods) + 1:06d}", **fields)  # type: ignore[arg-type]
    world.periods.append(wrong)
    return wrong
