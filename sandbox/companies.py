"""Companies of the market and the people in them."""

import unicodedata
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox import names, rules
from sandbox.chance import pick, stream
from sandbox.records import Company, Job, Person

if TYPE_CHECKING:
    from sandbox.world import World


def market(seed: int, scale: float) -> list[Company]:
    """Every company there will ever be, known to us or not, in the order they enter the market."""
    companies: list[Company] = []
    many = max(20, round(rules.COMPANIES * scale))
    founding = round(many * rules.FOUNDING_SHARE)
    for number in range(many):
        later = max(0, number - founding) / (many - founding)
        enters_on = rules.EPOCH + timedelta(days=round(later * 365 * rules.FOUNDING_YEARS))
        companies.append(_company(seed, number, companies, enters_on))
    return companies


def _company(seed: int, number: int, earlier: list[Company], enters_on: date) -> Company:
    rng = stream(seed, "company", number)
    subsidiary = number >= 10 and rng.random() < rules.SUBSIDIARY_SHARE
    candidates = [c for c in earlier[-40:] if c.parent is None]
    parent = rng.choice(candidates) if subsidiary and candidates else None
    region = pick(rng, rules.REGIONS)
    country = pick(rng, rules.COUNTRIES[region])
    segment = pick(rng, rules.SEGMENTS)
    own_name, label = _name(number)
    if parent is not None:
        own_name = f"{parent.name} {names.COUNTRY_WORD[country]}"
        label = f"{parent.domain.split('.')[0]}-{country.lower()}{number}"
    city = rng.choice(names.CITIES[country])
    low, high = rules.HEADCOUNT[segment]
    return Company(
        id=f"C{number + 1:05d}",
        name=own_name,
        trade_name=f"{own_name.split()[0]} Group" if rng.random() < 0.04 else None,
        domain=f"{label}.{names.TOP_LEVEL[country]}",
        segment=segment,
        recorded_segment=None if rng.random() < rules.SEGMENT_MISSING_SHARE else segment,
        region=region,
        country=country,
        state=names.STATES.get(city),
        city=city,
        street=f"{rng.randrange(1, 240)} {rng.choice(names.STREETS)}",
        postal_code=f"{rng.randrange(10000, 99999)}",
        phone=f"{names.PHONE[country]} {rng.randrange(200, 990)} {number:05d}{rng.randrange(10, 99)}",
        tax_id=f"{country}{number:05d}{rng.randrange(1000, 9999)}" if rng.random() < 0.4 else None,
        industry=None if rng.random() < 0.03 else pick(rng, rules.INDUSTRIES),
        headcount=rng.randrange(low, high),
        currency=rules.CURRENCIES.get(country, "USD"),
        parent=parent,
        enters_on=enters_on,
        interest=rng.lognormvariate(-0.18, 0.6),
        mood=rng.choice((0.5, 1.0, 1.5)),
        rng=rng,
    )


def _name(number: int) -> tuple[str, str]:
    """A name and a domain label, both unique by construction up to 7,680 companies."""
    pairs = len(names.COMPANY_FIRST) * len(names.COMPANY_SECOND)
    place = number % pairs * 1013 % pairs
    first = names.COMPANY_FIRST[place % len(names.COMPANY_FIRST)]
    second = names.COMPANY_SECOND[place // len(names.COMPANY_FIRST)]
    prefix = names.COMPANY_PREFIX[number // pairs % len(names.COMPANY_PREFIX)]
    name = f"{prefix}{first} {second}"
    return name, name.lower().replace(" ", "")


def meet(world: "World", company: Company, at: datetime, source: str) -> Person:
    """A new person of this company gets in touch; with the first one we learn of the company."""
    number = len(world.people) + 1
    rng = stream(world.seed, "person", number)
    first, last = rng.choice(names.GIVEN), rng.choice(names.FAMILY)
    free = rng.random() < rules.FREE_MAIL_SHARE
    person = Person(
        id=f"P{number:06d}",
        first_name=first,
        last_name=last,
        title=rng.choice(names.TITLES),
        phone=f"{names.PHONE[company.country]} {rng.randrange(200, 990)} 8{number:06d}"
        if rng.random() < 0.5
        else None,
        source=source,
        created_at=at,
        jobs=[],
        rng=rng,
        free_mail=free,
    )
    person.jobs.append(Job(company, _email(person, company, number), at))
    world.people.append(person)
    company.people.append(person)
    if company.known_from is None:
        company.known_from = at
    _schedule_job_change(world, person)
    return person


def _email(person: Person, company: Company, number: int) -> str:
    local = f"{plain(person.first_name)}.{plain(person.last_name)}".lower()
    if person.free_mail:
        return f"{local}{number}@{names.FREE_MAIL[number % len(names.FREE_MAIL)]}"
    # Namesakes in one firm get their number, as everywhere.
    taken = sum(
        1 for p in company.people if p.first_name == person.first_name and p.last_name == person.last_name
    )
    return f"{local}{number if taken else ''}@{company.domain}"


def plain(text: str) -> str:
    """Letters an e-mail address can hold."""
    folded = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in folded if letter.isascii() and (letter.isalnum() or letter == "-"))


def _change_job(world: "World", person: Person) -> None:
    """The person leaves for another company we know; whoever has a free address keeps it."""
    others = [c for c in world.companies if c.known_from is not None and c is not person.company]
    if others and len(person.jobs) < 3:
        company = person.rng.choice(others)
        person.company.people.remove(person)
        email = person.email if person.free_mail else _email(person, company, int(person.id[1:]))
        person.jobs.append(Job(company, email, world.moment(person.rng, company.region)))
        company.people.append(person)
    _schedule_job_change(world, person)


def _schedule_job_change(world: "World", person: Person) -> None:
    wait = 1 + int(person.rng.expovariate(rules.per_day(rules.JOB_CHANGES_PER_YEAR)))
    world.on(world.day_in(wait), lambda: _change_job(world, person))
