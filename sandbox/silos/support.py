"""The help desk, shaped like Zendesk's: CSV with semicolons, decimal commas and local time of the office in
Berlin.
"""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox import ids, spelling
from sandbox.chance import coin
from sandbox.formats import Table, table, write_csv
from sandbox.records import Company, Employee, Person
from sandbox.silos import crm
from sandbox.silos.marketing import link_text
from sandbox.world import World

_OFFICE = ZoneInfo("Europe/Berlin")


def organization_id(company: Company) -> str:
    return ids.zendesk("organization", company.id)


def end_user_id(person: Person) -> str:
    return ids.zendesk("user", person.id)


def agent_id(employee: Employee | None) -> str | None:
    return None if employee is None else ids.zendesk("agent", employee.id)


def local(at: datetime | None) -> str | None:
    """Wall clock in Berlin, without a zone."""
    return None if at is None else at.replace(tzinfo=UTC).astimezone(_OFFICE).strftime("%d.%m.%Y %H:%M:%S")


def organizations(world: World) -> dict[str, tuple[Company, datetime]]:
    """Every company that ever started a service, since its first day of it, and those that only wrote."""
    known: dict[str, tuple[Company, datetime]] = {}
    for company in world.companies:
        if company.first_started_on is not None:
            known[company.id] = (company, datetime.combine(company.first_started_on, datetime.min.time()))
    return known


def strays(world: World) -> list[tuple[Company, datetime]]:
    """Organizations opened by hand from an e-mail signature, without domain or link; every second one was
    deleted.
    """
    return [
        (company, at) for company, at in organizations(world).values() if coin(0, "stray", company.id) < 0.02
    ]


def stray_id(company: Company) -> str:
    return ids.zendesk("organization", company.id + "stray")


def end_users(world: World) -> dict[str, tuple[Person, datetime, Company]]:
    """Whoever asked or answered, since the first time."""
    known: dict[str, tuple[Person, datetime, Company]] = {}
    contacts = [(t.person, t.opened_at, t.company) for t in world.tickets]
    contacts += [(s.person, s.answered_at, s.company) for s in world.surveys]
    for person, at, company in sorted(
        (c for c in contacts if c[0] is not None), key=lambda c: (c[1], c[0].id if c[0] else "")
    ):
        assert person is not None
        known.setdefault(person.id, (person, at, company))
    return known


def export(world: World, folder: Path) -> None:
    """Write every file of the help desk."""
    for name, content in {
        "organizations": _organizations(world),
        "end_users": _end_users(world),
        "agents": _agents(world),
        "tickets": _tickets(world),
        "satisfaction": _satisfaction(world),
    }.items():
        write_csv(folder / f"{name}.csv", content, delimiter=";", decimal=",")


def _organizations(world: World) -> Table:
    def linked(company: Company) -> str | None:
        if spelling.missing("support", "link", company.id, 0.5):
            return None
        return link_text({"crm": crm.account_id(company)})

    def domain(company: Company) -> str | None:
        # Without a link the domain is all that ties the organization to anything, so it is kept.
        optional = linked(company) is not None and spelling.missing("support", "domain", company.id, 0.5)
        return None if optional else company.domain

    content = table(
        {
            "id": lambda r: organization_id(r[0]),
            "name": lambda r: spelling.company_name("support", r[0]),
            "domain_names": lambda r: domain(r[0]),
            "phone": lambda r: (
                spelling.phone("support", r[0].phone) if coin(0, "sphone", r[0].id) < 0.3 else None
            ),
            "country_code": lambda r: r[0].country if coin(0, "scountry", r[0].id) < 0.5 else None,
            "linked_ids": lambda r: linked(r[0]),
            "created_at": lambda r: local(r[1]),
            "updated_at": lambda r: local(r[1]),
            "deleted": lambda r: False,
            "tags": lambda r: "vip" if r[0].segment == "Enterprise" else None,
        },
        organizations(world).values(),
    )
    for number, (company, at) in enumerate(strays(world)):
        row = (stray_id(company), company.name.split()[0], None, None, None, None)
        content.rows.append((*row, local(at), local(at), number % 2 == 1, None))
    return content


def _end_users(world: World) -> Table:
    return table(
        {
            "id": lambda r: end_user_id(r[0]),
            "name": lambda r: f"{spelling.first_name('support', r[0])} {r[0].last_name}",
            "email": lambda r: spelling.email("support", r[0], _address(r[0], r[1])),
            "phone": lambda r: spelling.phone("support", r[0].phone),
            "organization_id": lambda r: organization_id(r[2]),
            "created_at": lambda r: local(r[1]),
            "updated_at": lambda r: local(r[1]),
            "deleted": lambda r: False,
        },
        end_users(world).values(),
    )


def _address(person: Person, at: datetime) -> str:
    """The address the person wrote from."""
    return (
        [job.email for job in person.jobs if job.since <= at][-1]
        if person.jobs[0].since <= at
        else person.jobs[0].email
    )


def _agents(world: World) -> Table:
    def hired(e: Employee) -> datetime:
        return datetime.combine(e.started_on, datetime.min.time())

    return table(
        {
            "id": agent_id,
            "name": lambda e: e.name,
            "email": lambda e: e.email,
            "department": lambda e: "customer_success",
            "group": lambda e: e.team,
            "created_at": lambda e: local(hired(e)),
            "active": lambda e: e.ended_on is None,
        },
        [e for e in world.employees if e.team == "Support"],
    )


def _tickets(world: World) -> Table:
    content = table(
        {
            "id": lambda t: ids.zendesk("ticket", t.id),
            "organization_id": lambda t: organization_id(t.company),
            "requester_id": lambda t: end_user_id(t.person) if t.person else None,
            "assignee_id": lambda t: agent_id(t.assignee),
            "group": lambda t: "Support",
            "priority": lambda t: t.priority,
            "status": lambda t: t.status,
            "subject": lambda t: t.subject,
            "created_at": lambda t: local(t.opened_at),
            "first_replied_at": lambda t: local(t.first_replied_at),
            "solved_at": lambda t: local(t.solved_at),
            "updated_at": lambda t: local(t.updated_at),
            "reopens": lambda t: t.reopened,
            "csat": lambda t: t.csat,
            "deleted": lambda t: coin(0, "spam", t.id) < 0.01,
        },
        world.tickets,
    )
    return content


def _satisfaction(world: World) -> Table:
    return table(
        {
            "id": lambda s: ids.zendesk("survey", s.id),
            "organization_id": lambda s: organization_id(s.company),
            "user_id": lambda s: end_user_id(s.person) if s.person else None,
            "kind": lambda s: s.kind,
            "answered_at": lambda s: local(s.answered_at),
            "score": lambda s: Decimal(s.score),
            "comment": lambda s: s.comment,
        },
        world.surveys,
    )
