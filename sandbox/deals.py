"""Deals: how they open, move, stall, slip, are won, lost, reopened, put right and deleted."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox import employees, marketing, rules, subscriptions
from sandbox.chance import days_around, pick, stream
from sandbox.currency import spot
from sandbox.records import Company, Contract, Deal, DealPerson, Employee, Person, Subscription

if TYPE_CHECKING:
    from sandbox.world import World


def may_buy(company: Company, today: date) -> bool:
    """Nobody sells a first subscription to a customer, to a company with a deal open, or right after a
    refusal.
    """
    at_work = any(s.state not in ("ended", "paused_for_good") for s in company.subscriptions)
    return not at_work and company.open_deals == 0 and today >= company.quiet_until


def open_new_business(
    world: "World", person: Person, seller: Employee, direction: str, source: str, at: datetime
) -> None:
    """A first deal with a company, from the meeting with one of its people."""
    company = person.company
    deal = _open(world, company, "new_business", "Core", seller, at)
    rng = deal.rng
    deal.direction, deal.source, deal.person = direction, source, person
    deal.plan = pick(rng, rules.FIRST_PLAN[company.segment])
    low, high = rules.SEATS[company.segment]
    deal.seats = low + round((high - low) * rng.betavariate(1.3, 3.0))
    deal.recurring_amount = yearly_price(deal.plan, deal.seats, company.currency)
    deal.amount = deal.recurring_amount + (Decimal(500) if rng.random() < 0.4 else Decimal(0))
    if rng.random() < rules.NO_ACCOUNT_SHARE:
        deal.account_recorded, deal.person = False, None
    elif rng.random() < rules.NO_OWNER_SHARE:
        deal.owner = None
    person.is_contact_from = person.is_contact_from or at
    person.deal_id = person.deal_id or deal.id
    deal.expected_close_on = world.day_in(days_around(rng, 55 * rules.DWELL_FACTOR[company.segment], 0.3) + 5)
    _enter(world, deal)
    company.open_deals += 1
    if deal.person is not None:
        for other in [person, *[p for p in company.people if p is not person][: rng.randrange(3)]]:
            role = (
                "Decision Maker" if other is person else rng.choice(("Influencer", "User", "Economic Buyer"))
            )
            _involve(world, deal, other, role, at)


def open_expansion(world: "World", subscription: Subscription, intent: str) -> None:
    """More seats, a higher plan or a further product, proposed to a customer under contract."""
    company = subscription.company
    rng = subscription.rng
    owner = company.success_manager
    at = world.moment(rng, company.region)
    product = "Insights" if intent == "cross_sell" else "Core"
    deal = _open(world, company, "expansion", product, owner, at)
    core = subscriptions.main_item(subscription)
    deal.subscription, deal.intent, deal.plan = subscription, intent, core.plan
    deal.seats = max(1, round(core.quantity * rng.uniform(0.08, 0.35)))
    if intent == "tier":
        deal.plan = subscriptions.next_plan(core.plan)
        gain = yearly_price(deal.plan, core.quantity, company.currency)
        deal.recurring_amount = gain - yearly_price(core.plan, core.quantity, company.currency)
    elif intent == "cross_sell":
        deal.recurring_amount = insights_price(core.quantity, company.currency)
    elif core.product == "Insights":
        deal.recurring_amount = insights_price(deal.seats, company.currency)
    else:
        deal.recurring_amount = yearly_price(deal.plan, deal.seats, company.currency)
    deal.amount = deal.recurring_amount
    close = world.day_in(20 + days_around(rng, 25))
    deal.expected_close_on = close - timedelta(days=rng.randrange(10))
    deal.planned = (close, "won" if rng.random() < rules.EXPANSION_WIN_SHARE else "lost")
    subscription.expansion_open = True
    _with_contact(world, deal, at)
    _enter(world, deal)


def open_renewal(world: "World", contract: Contract, close: date, outcome: str) -> Deal:
    """The deal of a term that falls due; its outcome is settled when the customer is asked."""
    company = contract.company
    rng = contract.subscription.rng
    at = world.moment(rng, company.region)
    deal = _open(world, company, "renewal", "Core", company.success_manager, at)
    core = subscriptions.main_item(contract.subscription)
    deal.contract, deal.plan, deal.seats = contract, core.plan, core.quantity
    deal.recurring_amount = deal.amount = contract.annual_amount
    assert contract.ends_on is not None
    deal.expected_close_on = contract.ends_on
    deal.planned = (max(close, world.day_in(1)), outcome)
    _with_contact(world, deal, at)
    _enter(world, deal)
    return deal


def yearly_price(plan: str, seats: int, currency: str) -> Decimal:
    """List price of a year, in whole units of the currency."""
    return Decimal(round(rules.PLANS[plan] * rules.PRICE_FACTOR[currency] * seats * 12))


def insights_price(seats: int, currency: str) -> Decimal:
    return Decimal(round(rules.INSIGHTS_PER_SEAT * rules.PRICE_FACTOR[currency] * seats * 12))


def _open(
    world: "World", company: Company, kind: str, product: str, owner: Employee | None, at: datetime
) -> Deal:
    number = len(world.deals) + 1
    deal = Deal(
        id=f"D{number:06d}",
        kind=kind,
        name=f"{company.name} {product} {kind.replace('_', ' ')} {world.today:%Y-%m}",
        company=company,
        account_recorded=True,
        person=None,
        owner=owner,
        product=product,
        plan="Starter",
        seats=0,
        stage="prospecting" if kind == "new_business" else "qualified",
        amount=None,
        recurring_amount=None,
        currency=company.currency,
        expected_close_on=world.today,
        direction="outbound",
        source=None,
        opened_at=at,
        rng=stream(world.seed, "deal", number),
        updated_at=at,
    )
    world.deals.append(deal)
    world.open_deals.append(deal)
    return deal


def _with_contact(world: "World", deal: Deal, at: datetime) -> None:
    deal.person = marketing.random_person(deal.company, deal.rng)
    if deal.person is not None:
        deal.person.is_contact_from = deal.person.is_contact_from or at
        _involve(world, deal, deal.person, "Decision Maker", at)


def _involve(world: "World", deal: Deal, person: Person, role: str, at: datetime) -> None:
    person.is_contact_from = person.is_contact_from or at
    world.deal_people.append(DealPerson(f"R{len(world.deal_people) + 1:06d}", deal, person, role, at))


def _enter(world: "World", deal: Deal) -> None:
    """Decide how long the deal stays in the stage it is in now."""
    if deal.planned is not None:
        close, _ = deal.planned
        steps_left = 4 - rules.STAGES.index(deal.stage)
        wait = (close - world.today).days if steps_left == 1 else (close - world.today).days // steps_left
    else:
        wait = days_around(deal.rng, _median_dwell(world, deal), 0.6)
    deal.next_move_on = world.day_in(max(wait, 0))


def _median_dwell(world: "World", deal: Deal) -> float:
    segment = deal.company.segment
    median = rules.DWELL_DAYS[deal.stage] * rules.DWELL_FACTOR[segment]
    stuck = segment == rules.BOTTLENECK_SEGMENT and deal.stage == rules.BOTTLENECK_STAGE
    if stuck and rules.planted(world.plants.bottleneck, world.today):
        median *= rules.BOTTLENECK_FACTOR
    return median


def live(world: "World") -> None:
    """Every open deal lives one day."""
    for deal in world.open_deals:
        if world.today >= deal.next_move_on and (world.is_workday() or deal.planned is not None):
            _move(world, deal)
        elif world.today >= deal.expected_close_on and deal.rng.random() < 0.5:
            later = world.day_in(10 + days_around(deal.rng, 14))
            _set(world, deal, "expected_close_on", later)
        elif deal.rng.random() < rules.per_day(rules.REASSIGNED_PER_YEAR) and deal.owner is not None:
            peers = employees.members(world, deal.owner.team)
            if peers:
                _set(world, deal, "owner", deal.rng.choice(peers))
        _work_on(world, deal)
    world.open_deals = [d for d in world.open_deals if d.is_open]
    if world.today.day == 20:
        _delete_some(world)


def _work_on(world: "World", deal: Deal) -> None:
    """Sellers call, write and meet; a deal that nobody touches is one that nobody owns."""
    if deal.owner is None or not deal.is_open or not world.is_workday() or deal.rng.random() > 0.08:
        return
    kind = deal.rng.choice(("call", "email_sent", "meeting", "email_replied"))
    direction = "inbound" if kind == "email_replied" else "outbound"
    at = world.moment(deal.rng, deal.company.region, after=deal.updated_at)
    marketing.touch(
        world,
        at,
        kind,
        "outbound",
        direction,
        deal.person,
        deal.company,
        deal,
        actor=deal.owner,
        is_human=True,
        system="crm",
    )


def _set(world: "World", deal: Deal, field: str, value: object, at: datetime | None = None) -> datetime:
    at = at or world.moment(deal.rng, deal.company.region, after=deal.updated_at)
    world.change(deal, at, field, value, deal.owner)
    return at


def _move(world: "World", deal: Deal) -> None:
    """Out of the stage the deal is in: onward, back, or to its end."""
    rng = deal.rng
    here = rules.STAGES.index(deal.stage)
    if deal.planned is not None:
        close, outcome = deal.planned
        if world.today >= close:
            return _close(world, deal, outcome)
        target = min(here + 1, 3)
    elif here > 0 and rng.random() < rules.BACKWARD_SHARE:
        target = here - 1
    elif rng.random() >= _chance_to_advance(world, deal):
        return _close(world, deal, "lost")
    else:
        target = here + (2 if here < 2 and rng.random() < rules.SKIP_SHARE else 1)
    if target == 4:
        return _close(world, deal, "won")
    at = _set(world, deal, "stage", rules.STAGES[target])
    if target == 2 and rng.random() < 0.5:
        _reprice(world, deal, rng.uniform(0.8, 1.3), at)
    elif target == 3 and rng.random() < 0.4:
        _reprice(world, deal, rng.uniform(0.85, 1.0), at)
    _enter(world, deal)
    return None


def _chance_to_advance(world: "World", deal: Deal) -> float:
    chance = rules.ADVANCE[deal.stage] * (deal.owner.skill if deal.owner else 1.0)
    if employees.is_struggling(world, deal):
        chance *= rules.STRUGGLING_FACTOR
    return min(chance, 0.99)


def _reprice(world: "World", deal: Deal, factor: float, at: datetime) -> None:
    """Scope changes: seats for a first deal, the price alone for the others."""
    if deal.kind == "new_business":
        deal.seats = max(1, round(deal.seats * factor))
        recurring = yearly_price(deal.plan, deal.seats, deal.currency)
    else:
        assert deal.recurring_amount is not None
        recurring = Decimal(round(float(deal.recurring_amount) * factor))
    assert deal.amount is not None and deal.recurring_amount is not None
    services = deal.amount - deal.recurring_amount
    world.change(deal, at, "recurring_amount", recurring, deal.owner)
    world.change(deal, at, "amount", recurring + services, deal.owner)


def _close(world: "World", deal: Deal, outcome: str) -> None:
    rng = deal.rng
    at = world.moment(rng, deal.company.region, after=deal.updated_at)
    if rng.random() < rules.MIDNIGHT_SHARE:
        # A job closes what was agreed during the day: a second before midnight, or on its stroke.
        at = world.midnight() + (
            timedelta(days=1) if rng.random() < 0.5 else timedelta(hours=23, minutes=59, seconds=59)
        )
        if at.date() > world.today:
            world.on(at.date(), lambda: _finish(world, deal, outcome, at))
            deal.next_move_on = date.max
            return
    _finish(world, deal, outcome, at)


def _finish(world: "World", deal: Deal, outcome: str, at: datetime) -> None:
    if not deal.is_open:
        return
    rng = deal.rng
    if outcome == "won" and deal.kind == "new_business" and rng.random() < rules.NO_CHARGE_SHARE:
        world.change(deal, at, "recurring_amount", Decimal(0), deal.owner)
        world.change(deal, at, "amount", Decimal(0), deal.owner)
    if outcome == "won":
        deal.loss_reason = None
    else:
        deal.loss_reason = pick(rng, rules.LOSS_REASONS) if rng.random() < 0.93 else None
    world.change(deal, at, "expected_close_on", at.date(), deal.owner)
    world.change(deal, at, "stage", outcome, deal.owner)
    if outcome == "lost" and rng.random() < 0.02:
        world.change(deal, at, "amount", None, deal.owner)
    first_win = outcome == "won" and not deal.was_won
    deal.was_won = deal.was_won or outcome == "won"
    if deal.kind == "new_business":
        _after_new_business(world, deal, outcome, first_win, at)
    else:
        _after_customer_deal(world, deal, outcome, at)
    if outcome == "won" and rng.random() < rules.LATE_CORRECTION_SHARE and deal.amount:
        world.on(world.day_in(20 + rng.randrange(60)), lambda: _put_right(world, deal))


def _after_new_business(world: "World", deal: Deal, outcome: str, first_win: bool, at: datetime) -> None:
    rng, company = deal.rng, deal.company
    if outcome == "lost":
        company.open_deals -= 1
        company.quiet_until = world.day_in(45)
        if rng.random() < rules.REOPEN_SHARE:
            world.on(world.day_in(20 + rng.randrange(70)), lambda: _reopen(world, deal, "qualified"))
        return
    if not first_win:
        return
    company.open_deals -= 1
    if deal.person is not None:
        marketing.step(world, deal.person, "customer", at, "crm")
    if deal.amount:
        subscriptions.begin(world, deal, at)
    else:
        company.quiet_until = world.day_in(365)
    if rng.random() < rules.WON_IN_ERROR_SHARE:
        world.on(world.day_in(1), lambda: _reopen(world, deal, "negotiation"))


def _after_customer_deal(world: "World", deal: Deal, outcome: str, at: datetime) -> None:
    if deal.kind == "expansion" and deal.subscription is not None and deal.intent is not None:
        deal.subscription.expansion_open = False
        if outcome == "won":
            subscriptions.expand(world, deal.subscription, deal.intent, deal.seats, at)
    elif deal.contract is not None and outcome == "won":
        subscriptions.renew(world, deal.contract, deal, at)


def _reopen(world: "World", deal: Deal, stage: str) -> None:
    """Back among the open ones; a refusal only if nothing has come of the company since."""
    if deal.is_open or deal.deleted_at is not None:
        return
    if deal.stage == "lost":
        if not may_buy(deal.company, world.today):
            return
        deal.company.open_deals += 1
    at = _set(world, deal, "stage", stage)
    if deal.amount is None:
        _set(world, deal, "amount", deal.recurring_amount, at)
    _set(world, deal, "expected_close_on", world.day_in(30), at)
    deal.loss_reason = None
    if deal.was_won:
        deal.planned = (world.day_in(2 + deal.rng.randrange(4)), "won")
    world.open_deals.append(deal)
    _enter(world, deal)


def _put_right(world: "World", deal: Deal) -> None:
    """The amount on the paper was another one: a late change of a closed deal."""
    if deal.stage == "won" and deal.amount:
        corrected = Decimal(round(float(deal.amount) * deal.rng.uniform(0.9, 1.1)))
        _set(world, deal, "amount", corrected)


def _delete_some(world: "World") -> None:
    """Spring cleaning: first deals that were entered twice, or never were deals."""
    rng = stream(world.seed, "cleaning", world.today)
    many = int(rules.DELETED_PER_MONTH * max(1.0, world.scale) + rng.random())
    doomed = [d for d in world.deals if d.kind == "new_business" and not d.was_won and d.deleted_at is None]
    for deal in rng.sample(doomed, min(many, len(doomed))):
        if deal.is_open:
            deal.company.open_deals -= 1
        at = world.moment(rng, deal.company.region, after=deal.updated_at)
        deal.deleted_at = deal.updated_at = at
    world.open_deals = [d for d in world.open_deals if d.is_open]


def in_dollars(deal: Deal, day: date) -> Decimal:
    """What sellers and managers take a deal to be worth."""
    return (deal.amount or Decimal(0)) * spot(deal.currency, day)
