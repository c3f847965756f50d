"""What customers do after the sale: tickets, answers to surveys, use of the product."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from sandbox import employees, rules, subscriptions
from sandbox.chance import pick, stream
from sandbox.marketing import random_person
from sandbox.records import Company, Survey, Ticket, Usage

if TYPE_CHECKING:
    from sandbox.world import World

_PRIORITIES = {"low": 0.3, "normal": 0.5, "high": 0.15, "urgent": 0.05}
_SUBJECTS = (
    "Cannot log in",
    "Export fails",
    "Question about the invoice",
    "Slow dashboard",
    "New user",
    "API error",
)
_FEATURES = {"dashboards": 1.0, "automation": 0.4}


def live(world: "World") -> None:
    """One day of service."""
    for company in world.companies:
        if company.first_started_on is None or company.left_on is not None:
            continue
        rng = stream(world.seed, "service", company.id, world.today) if _is_due(world, company) else None
        if rng is not None:
            _use(world, company, rng)
            if world.today.month % 3 == 1 and world.today.day <= 7:
                _net_promoter(world, company, rng)
            for _ in range(_tickets(company, rng)):
                _ticket(world, company, rng)


def _is_due(world: "World", company: Company) -> bool:
    """Once a week each, spread over the working days."""
    return world.today.weekday() == int(company.id[1:]) % 5


def _tickets(company: Company, rng: Random) -> int:
    mean = rules.TICKETS_PER_YEAR[company.segment] * company.mood / 52
    return sum(1 for _ in range(4) if rng.random() < mean / 4)


def _use(world: "World", company: Company, rng: Random) -> None:
    running = [s for s in company.subscriptions if s.state in ("active", "past_due", "ending")]
    if not running or company.first_started_on is None:
        return
    settling = (world.today - company.first_started_on).days
    if settling < 5 + int(company.id[1:]) % 30:  # nobody gets going on the first day
        return
    seats = max(subscriptions.main_item(s).quantity for s in running)
    fading = 0.4 if any(s.state == "ending" for s in running) else 1.0
    for feature, share in _FEATURES.items():
        active = round(seats * share * rng.uniform(0.3, 0.8) * fading / company.mood)
        if active:
            number = len(world.usage) + 1
            events = active * rng.randrange(3, 12)
            world.usage.append(
                Usage(f"U{number:07d}", company, world.today, feature, min(active, seats), events)
            )


def _net_promoter(world: "World", company: Company, rng: Random) -> None:
    for person in company.people[:6]:
        if rng.random() < rules.NPS_SHARE:
            score = max(0, min(10, round(rng.gauss(10.2 - 2.2 * company.mood, 1.8))))
            at = world.moment(rng, company.region)
            comment = rng.choice((None, "Great team", "Too slow", "Missing an export; otherwise fine"))
            world.surveys.append(
                Survey(f"V{len(world.surveys) + 1:06d}", company, person, "nps", at, Decimal(score), comment)
            )


def _ticket(world: "World", company: Company, rng: Random) -> None:
    at = world.moment(rng, company.region)
    agents = employees.members(world, "Support")
    ticket = Ticket(
        id=f"Z{len(world.tickets) + 1:06d}",
        company=company,
        person=random_person(company, rng),
        assignee=rng.choice(agents) if agents and rng.random() < 0.97 else None,
        priority=pick(rng, _PRIORITIES),
        subject=rng.choice(_SUBJECTS),
        status="new",
        opened_at=at,
        updated_at=at,
    )
    world.tickets.append(ticket)
    reply = at + timedelta(hours=2.5 * rng.lognormvariate(0.0, 1.0))
    world.on(reply.date(), lambda: _reply(ticket, reply))
    solved = reply + timedelta(days=1.5 * rng.lognormvariate(0.0, 0.8))
    if rng.random() < 0.95:
        world.on(solved.date(), lambda: _solve(world, ticket, solved, rng))


def _reply(ticket: Ticket, at: datetime) -> None:
    ticket.first_replied_at, ticket.updated_at, ticket.status = at, at, "open"


def _solve(world: "World", ticket: Ticket, at: datetime, rng: Random) -> None:
    ticket.solved_at, ticket.updated_at, ticket.status = at, at, "solved"
    if rng.random() < 0.06 and ticket.reopened == 0:
        ticket.reopened, ticket.status, ticket.solved_at = 1, "open", None
        again = at + timedelta(days=2)
        world.on(again.date(), lambda: _solve(world, ticket, again, rng))
        return
    if rng.random() < rules.CSAT_SHARE:
        score = Decimal(max(0, min(4, round(rng.gauss(4.2 - 0.9 * ticket.company.mood, 0.9))))) / 4
        ticket.csat = score
        kind = "csat" if rng.random() < 0.85 else "ces"
        answered = at + timedelta(hours=rng.randrange(1, 5))
        world.on(answered.date(), lambda: _rate(world, ticket, kind, answered, score))


def _rate(world: "World", ticket: Ticket, kind: str, at: datetime, score: Decimal) -> None:
    number = len(world.surveys) + 1
    world.surveys.append(Survey(f"V{number:06d}", ticket.company, ticket.person, kind, at, score, None))
