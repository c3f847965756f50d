"""The marketing hub, shaped like HubSpot's: JSON lines, numeric ids, words run together. Deleted contacts
just vanish.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import ids, spelling
from sandbox.chance import coin
from sandbox.formats import Table, instant, table, write_json_lines
from sandbox.records import Company, Person
from sandbox.silos import crm
from sandbox.world import World

CHANNEL_WORDS = {
    "paid_search": "PAID_SEARCH",
    "paid_social": "PAID_SOCIAL",
    "display": "DISPLAY_ADS",
    "webinar": "WEBINAR",
    "event": "OFFLINE_EVENT",
    "email": "EMAIL_MARKETING",
    "organic": "ORGANIC_SEARCH",
    "referral": "REFERRALS",
    "content": "CONTENT",
    "partner": "PARTNERS",
    "outbound": "OFFLINE",
}
FUNNEL_WORDS = {"subscriber": "subscriber", "lead": "lead", "mql": "marketingqualifiedlead"}
CATEGORIES = (
    "advertising",
    "events",
    "agency",
    "other",
)  # what the hub pays for; people and tools are elsewhere


def contact_id(person: Person) -> str:
    return ids.hubspot("contact", person.id)


def company_id(company: Company) -> str:
    return ids.hubspot("company", company.id)


def campaign_id(campaign: str) -> str:
    return ids.hubspot("campaign", campaign)


def is_known(person: Person) -> bool:
    """A few people never made it into the hub; their touches carry an address only."""
    return coin(0, "hub", person.id) >= 0.03


def is_erased(world: World, person: Person) -> bool:
    """Asked to be forgotten some weeks after the first contact; the record is gone, not flagged."""
    if coin(0, "erased", person.id) >= 0.006:
        return False
    return (person.created_at + timedelta(days=45)).date() <= world.until


def people(world: World) -> list[Person]:
    """Whom the hub has a contact for."""
    return [p for p in world.people if is_known(p) and not is_erased(world, p)]


def companies(world: World) -> list[Company]:
    """Companies with at least one contact in the hub."""
    return [c for c in world.companies if c.known_from is not None]


def export(world: World, folder: Path) -> None:
    """Write every file of the marketing hub."""
    linked = crm.people_known(world)
    for name, content in {
        "companies": _companies(world),
        "contacts": _contacts(world, linked),
        "campaigns": _campaigns(world),
        "events": _events(world),
        "lifecycle": _lifecycle(world),
        "spend": _spend(world),
    }.items():
        write_json_lines(folder / f"{name}.jsonl", content)


def _known_from(company: Company) -> datetime:
    assert company.known_from is not None
    return company.known_from


def _archived(world: World, company: Company) -> bool:
    """Somebody tidied up: the company has no customers' history and nobody missed it."""
    old = (_known_from(company) + timedelta(days=120)).date() <= world.until
    return old and coin(0, "archived", company.id) < 0.01 and not company.subscriptions


def _companies(world: World) -> Table:
    def linked(company: Company) -> dict[str, str] | None:
        return (
            None
            if spelling.missing("marketing", "link", company.id, 0.5)
            else {"crm": crm.account_id(company)}
        )

    def gap(what: str, share: float, read: Any) -> Any:
        return lambda c: None if spelling.missing("marketing", what, c.id, share) else read(c)

    return table(
        {
            "hs_object_id": company_id,
            "name": lambda c: spelling.company_name("marketing", c),
            "domain": gap("domain", 0.06, lambda c: c.domain),
            "city": gap("city", 0.2, lambda c: c.city),
            "zip": gap("zip", 0.3, lambda c: c.postal_code),
            "country_code": gap("country", 0.1, lambda c: c.country),
            "industry": gap("industry", 0.3, lambda c: c.industry and c.industry.upper().replace(" ", "_")),
            "numberofemployees": gap("headcount", 0.4, lambda c: c.headcount),
            "phone": gap("phone", 0.5, lambda c: spelling.phone("marketing", c.phone)),
            "createdate": lambda c: instant(_known_from(c)),
            "hs_lastmodifieddate": lambda c: instant(_known_from(c)),
            "archived": lambda c: _archived(world, c),
            "linked_ids": linked,
            "hs_analytics_num_page_views": lambda c: 3 * len(c.people),
        },
        companies(world),
    )


def _contacts(world: World, in_crm: dict[str, datetime]) -> Table:
    def linked(person: Person) -> dict[str, str] | None:
        if person.id not in in_crm or spelling.missing("marketing", "contact link", person.id, 0.4):
            return None
        return {"crm": crm.lead_id(person)}

    return table(
        {
            "vid": contact_id,
            "email": lambda p: spelling.email("marketing", p, p.jobs[0].email),
            "firstname": lambda p: spelling.first_name("marketing", p),
            "lastname": lambda p: p.last_name,
            "phone": lambda p: spelling.phone("marketing", p.phone),
            "jobtitle": lambda p: None if spelling.missing("marketing", "title", p.id, 0.3) else p.title,
            "city": lambda p: None,
            "country_code": lambda p: p.jobs[0].company.country,
            "company": lambda p: spelling.company_name("marketing", p.jobs[0].company),
            "associatedcompanyid": lambda p: company_id(p.jobs[0].company),
            "hs_analytics_source": lambda p: CHANNEL_WORDS[p.source],
            "createdate": lambda p: instant(p.created_at),
            "lastmodifieddate": lambda p: instant(p.created_at),
            "archived": lambda p: False,
            "linked_ids": linked,
        },
        people(world),
    )


def _campaigns(world: World) -> Table:
    return table(
        {
            "id": lambda c: campaign_id(c.id),
            "hs_name": lambda c: c.name,
            "channel": lambda c: CHANNEL_WORDS[c.channel],
            "hs_campaign_type": lambda c: c.kind,
            "hs_start_date": lambda c: c.starts_on,
            "hs_end_date": lambda c: c.ends_on,
            "hs_budget": lambda c: c.budget,
            "hs_currency_code": lambda c: c.currency,
        },
        world.campaigns,
    )


def _events(world: World) -> Table:
    known = {p.id for p in people(world)}

    def contact(touch: Any) -> str | None:
        return contact_id(touch.person) if touch.person is not None and touch.person.id in known else None

    return table(
        {
            "event_id": lambda t: ids.hubspot("event", t.id),
            "occurred_at": lambda t: instant(t.at),
            "contact_id": contact,
            "email": lambda t: t.email,
            "company_id": lambda t: company_id(t.company) if t.company else None,
            "campaign_id": lambda t: campaign_id(t.campaign_id) if t.campaign_id else None,
            "channel": lambda t: CHANNEL_WORDS[t.channel],
            "event_type": lambda t: t.kind,
            "direction": lambda t: t.direction,
            "is_human": lambda t: t.is_human,
        },
        [t for t in world.touches if t.system == "marketing"],
    )


def _lifecycle(world: World) -> Table:
    known = {p.id for p in people(world)}
    return table(
        {
            "id": lambda s: ids.hubspot("lifecycle", s.id),
            "contact_id": lambda s: contact_id(s.person),
            "lifecyclestage": lambda s: FUNNEL_WORDS[s.stage],
            "entered_at": lambda s: instant(s.at),
        },
        [s for s in world.funnel if s.system == "marketing" and s.person.id in known],
    )


def _spend(world: World) -> Table:
    return table(
        {
            "id": lambda s: ids.hubspot("spend", s.id),
            "date": lambda s: s.spent_on,
            "date_until": lambda s: s.spent_until,
            "department": lambda s: s.department,
            "category": lambda s: s.category,
            "channel": lambda s: CHANNEL_WORDS[s.channel] if s.channel else None,
            "campaign_id": lambda s: campaign_id(s.campaign_id) if s.campaign_id else None,
            "amount": lambda s: s.amount,
            "currency": lambda s: s.currency,
            "created_at": lambda s: instant(s.created_at),
        },
        [s for s in world.spend if s.category in CATEGORIES],
    )


def link_text(link: dict[str, str] | None) -> str | None:
    """Links as text, for silos whose files hold no objects."""
    return None if link is None else json.dumps(link)
