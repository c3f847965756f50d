"""Campaigns, what they cost, whom they reach, and how a stranger becomes a lead, and a lead a deal."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from sandbox import companies, deals, employees, rules
from sandbox.chance import coin, days_around, pick, stream
from sandbox.records import Campaign, Company, Deal, Employee, FunnelStep, Person, Spend, Touch

if TYPE_CHECKING:
    from sandbox.world import World

# channel, kind, months between two starts, days of flight, budget per day in dollars, lift, reach
_CAMPAIGNS = (
    ("paid_search", "Search", 3, 90, 320, 0.55, 0.45),
    ("paid_social", "Social", 3, 60, 260, 0.25, 0.40),
    ("display", "Display", 4, 45, 180, 0.0, 0.50),
    ("webinar", "Webinar", 2, 14, 90, 1.20, 0.15),
    ("event", "Trade Fair", 6, 10, 2400, 1.60, 0.12),
    ("email", "Nurture", 2, 21, 25, 0.40, 0.35),
)
_CURRENCY = {"paid_social": "EUR", "event": "GBP"}  # of every second campaign of the channel
_PAID = ("paid_search", "paid_social", "display")
_MAX_LIFT = 4.0


def live(world: "World") -> None:
    """One day of campaigns, inquiries and prospecting."""
    _start_campaigns(world)
    running = [c for c in world.campaigns if c.starts_on <= world.today <= c.ends_on]
    _spend_on(world, running)
    weekday = 1.25 if world.is_workday() else 0.375  # so that a week has seven days' worth
    inbound = {s: rules.per_day(rate) * weekday for s, rate in rules.INQUIRIES_PER_YEAR.items()}
    outbound = {s: rules.per_day(rate) for s, rate in rules.OUTBOUND_PER_YEAR.items()}
    for company in world.companies:
        if company.enters_on > world.today:
            break
        chance = company.rng.random()
        usual = inbound[company.segment] * company.interest
        if chance < usual * (1 + _MAX_LIFT):
            reaching = [c for c in running if company.id in c.reached]
            if chance < usual * (1 + min(_MAX_LIFT, sum(c.lift for c in reaching))):
                _inquire(world, company, reaching)
        elif chance > 1 - outbound[company.segment] and world.is_workday():
            _prospect(world, company)
    _impressions(world, running)
    if world.today.day == 15:
        _newsletter(world)


def touch(
    world: "World",
    at: datetime,
    kind: str,
    channel: str,
    direction: str,
    person: Person | None = None,
    company: Company | None = None,
    deal: Deal | None = None,
    campaign: Campaign | None = None,
    actor: Employee | None = None,
    is_human: bool = False,
    system: str = "marketing",
) -> None:
    """Record one contact with a person or a company."""
    world.touches.append(
        Touch(
            id=f"T{len(world.touches) + 1:07d}",
            at=at,
            person=person,
            company=company or (person.company if person else None),
            deal=deal,
            campaign_id=campaign.id if campaign else None,
            channel=channel,
            kind=kind,
            direction=direction,
            actor=actor,
            is_human=is_human,
            email=person.email if person else None,
            system=system,
        )
    )


def step(world: "World", person: Person, stage: str, at: datetime, system: str) -> None:
    """A person enters a stage of the funnel."""
    world.funnel.append(FunnelStep(f"F{len(world.funnel) + 1:06d}", person, stage, at, system))


def spend(
    world: "World",
    department: str,
    category: str,
    amount: Decimal,
    currency: str = "USD",
    until: date | None = None,
    channel: str | None = None,
    campaign: Campaign | None = None,
) -> None:
    """Money that goes out today, or over a period that starts today."""
    if amount <= 0:
        return
    world.spend.append(
        Spend(
            id=f"X{len(world.spend) + 1:06d}",
            spent_on=world.today,
            spent_until=until,
            department=department,
            category=category,
            channel=channel,
            campaign_id=campaign.id if campaign else None,
            amount=amount,
            currency=currency,
            created_at=world.midnight() + timedelta(hours=23),
        )
    )


def _start_campaigns(world: "World") -> None:
    if world.today.day != 1:
        return
    months = (world.today.year - world.start.year) * 12 + world.today.month - 1
    for channel, kind, every, flight, per_day, lift, reach in _CAMPAIGNS:
        if months % every:
            continue
        number = len(world.campaigns) + 1
        rng = stream(world.seed, "campaign", number)
        starts_on = world.day_in(rng.randrange(5))
        currency = _CURRENCY.get(channel, "USD") if months // every % 2 else "USD"
        daily = Decimal(round(per_day * world.scale * rng.uniform(0.8, 1.2)))
        campaign = Campaign(
            id=f"M{number:04d}",
            name=f"{kind} {world.today:%Y-%m}",
            channel=channel,
            kind=kind,
            starts_on=starts_on,
            ends_on=starts_on + timedelta(days=flight - 1),
            budget=daily * flight,
            currency=currency,
            daily_spend=daily,
            lift=lift,
            reach=reach,
        )
        campaign.reached = frozenset(
            c.id for c in world.companies if coin(world.seed, "reach", campaign.id, c.id) < reach
        )
        world.campaigns.append(campaign)


def _spend_on(world: "World", running: list[Campaign]) -> None:
    for campaign in running:
        rng = stream(world.seed, "spend", campaign.id, world.today)
        if campaign.channel in _PAID:
            cents = round(float(campaign.daily_spend) * rng.uniform(0.6, 1.3) * 100)
            amount, category = Decimal(cents) / 100, "advertising"
        elif world.today == campaign.starts_on:
            amount, category = (
                campaign.budget,
                "events" if campaign.channel in ("event", "webinar") else "other",
            )
        else:
            continue
        spend(world, "marketing", category, amount, campaign.currency, None, campaign.channel, campaign)


def _impressions(world: "World", running: list[Campaign]) -> None:
    """Reached people click and read, whether or not it moves them."""
    for campaign in running:
        rng = stream(world.seed, "impressions", campaign.id, world.today)
        drawn = rng.choices(world.people, k=rng.randrange(6)) if world.people else []
        for person in drawn:
            if person.company.id not in campaign.reached:
                continue
            at = world.moment(rng, person.company.region, person.created_at)
            kind = {"email": "email_clicked", "webinar": "webinar", "event": "meeting"}.get(
                campaign.channel, "ad_click"
            )
            touch(world, at, kind, campaign.channel, "inbound", person, campaign=campaign)


def _newsletter(world: "World") -> None:
    """Mail to a part of the people we know; some open it, a few click, fewer unsubscribe."""
    rng = stream(world.seed, "newsletter", world.today)
    for person in world.people:
        if rng.random() >= rules.NEWSLETTER_SHARE:
            continue
        at = world.moment(rng, person.company.region, person.created_at)
        if rng.random() < 0.02:
            touch(world, at, "bounce", "email", "outbound", person)
            continue
        touch(world, at, "email_sent", "email", "outbound", person)
        if rng.random() < 0.3:
            touch(world, at + timedelta(minutes=80), "email_opened", "email", "inbound", person)
            if rng.random() < 0.2:
                touch(world, at + timedelta(minutes=82), "email_clicked", "email", "inbound", person)
            elif rng.random() < 0.02:
                touch(world, at + timedelta(minutes=82), "unsubscribe", "email", "inbound", person)


def _inquire(world: "World", company: Company, reaching: list[Campaign]) -> None:
    """Somebody of the company wants to know more: touches, a lead, and perhaps the way to a deal."""
    rng = company.rng
    campaign: Campaign | None = None
    channel = pick(rng, rules.CHANNELS)
    lift = sum(c.lift for c in reaching)
    if reaching and rng.random() < lift / (1 + lift):  # the share of this inquiry that the campaigns caused
        campaign = rng.choices(reaching, [c.lift for c in reaching])[0]
        channel = campaign.channel
    at = world.moment(rng, company.region)
    if company.people and rng.random() >= rules.NEW_PERSON_SHARE:
        person = rng.choice(company.people)
        at = max(at, person.created_at)
    else:
        person = companies.meet(world, company, at, channel)
        step(world, person, "subscriber", at, "marketing")
        if rng.random() < 0.85:
            step(world, person, "lead", at + timedelta(minutes=3), "marketing")
    if channel in _PAID:
        touch(world, at, "ad_click", channel, "inbound", person, campaign=campaign)
    for minute in range(1, 1 + rng.randrange(3)):
        touch(
            world, at + timedelta(minutes=minute), "page_view", channel, "inbound", person, campaign=campaign
        )
    touch(world, at + timedelta(minutes=6), "form_fill", channel, "inbound", person, campaign=campaign)
    if deals.may_buy(company, world.today) and rng.random() < rules.MQL_SHARE:
        world.on(world.day_in(days_around(rng, 2)), lambda: _hand_over(world, person, channel))


def _hand_over(world: "World", person: Person, channel: str) -> None:
    """Marketing calls the lead qualified and hands it to sales, who answers, sooner or later."""
    rng, company = person.rng, person.company
    if not deals.may_buy(company, world.today):
        return
    at = world.moment(rng, company.region, after=person.created_at)
    step(world, person, "mql", at, "marketing")
    if rng.random() < rules.NEVER_ANSWERED_SHARE:
        return
    stalled = company.region == rules.STALLED_REGION and rules.planted(
        world.plants.stalled_handoff, world.today
    )
    median = rules.STALLED_RESPONSE_DAYS if stalled else rules.RESPONSE_DAYS
    waiting = timedelta(days=median * rng.lognormvariate(0.0, 0.7))
    world.on((at + waiting).date(), lambda: _answer(world, person, at + waiting, waiting, channel))


def _answer(world: "World", person: Person, at: datetime, waiting: timedelta, channel: str) -> None:
    rng = person.rng
    developer = employees.developer(world, rng)
    kind = rng.choice(("call", "email_sent"))
    touch(world, at, kind, "outbound", "outbound", person, actor=developer, is_human=True, system="crm")
    cooled = min(0.5, rules.SLOW_RESPONSE_LOSS * waiting / timedelta(days=1))
    if rng.random() < rules.SQL_SHARE * (1 - cooled):
        world.on(world.day_in(1 + days_around(rng, 3)), lambda: _qualify(world, person, channel, "inbound"))


def _prospect(world: "World", company: Company) -> None:
    """Business development writes to a company that did not ask."""
    rng = company.rng
    if not deals.may_buy(company, world.today):
        return
    at = world.moment(rng, company.region)
    if company.people and rng.random() >= rules.NEW_PERSON_SHARE:
        person = rng.choice(company.people)
        at = max(at, person.created_at)
    else:
        person = companies.meet(world, company, at, "outbound")
        step(world, person, "lead", at, "crm")
    developer = employees.developer(world, rng)
    for number in range(3):
        kind, human = (("email_sent", False), ("email_sent", False), ("call", True))[number]
        sent = at + timedelta(days=2 * number)
        world.on(
            sent.date(),
            lambda sent=sent, kind=kind, human=human: touch(  # type: ignore[misc]
                world,
                sent,
                kind,
                "outbound",
                "outbound",
                person,
                actor=developer,
                is_human=human,
                system="crm",
            ),
        )
    if rng.random() < rules.OUTBOUND_REPLY_SHARE:
        world.on(world.day_in(5 + days_around(rng, 3)), lambda: _replied(world, person))


def _replied(world: "World", person: Person) -> None:
    at = world.moment(person.rng, person.company.region)
    touch(world, at, "email_replied", "outbound", "inbound", person, is_human=True, system="crm")
    _qualify(world, person, "outbound", "outbound")


def _qualify(world: "World", person: Person, channel: str, direction: str) -> None:
    """A first meeting; most of those that meet open a deal."""
    rng, company = person.rng, person.company
    if not deals.may_buy(company, world.today):
        return
    at = world.moment(rng, company.region, after=person.created_at)
    seller = employees.seller_for(world, company, rng)
    touch(world, at, "meeting", "outbound", "outbound", person, actor=seller, is_human=True, system="crm")
    step(world, person, "sql", at, "crm")
    if rng.random() < rules.DEAL_SHARE:
        opened = at + timedelta(minutes=40)
        step(world, person, "opportunity", opened, "crm")
        deals.open_new_business(world, person, seller, direction, channel, opened)


def random_person(company: Company, rng: Random) -> Person | None:
    """Anybody we know there."""
    return rng.choice(company.people) if company.people else None
