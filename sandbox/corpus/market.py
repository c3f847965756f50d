"""A market of companies and people, and what five to seven systems have written down about them."""

import json
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

from sandbox import names
from sandbox.chance import stream
from sandbox.companies import plain
from sandbox.corpus import errors, words
from sandbox.rules import COUNTRIES, REGIONS

COMPANY_SYSTEMS = {"crm": 0.8, "marketing": 0.7, "support": 0.45, "billing": 0.5, "tracker": 0.35}
PERSON_SYSTEMS = {
    "crm": 0.7, "marketing": 0.6, "support": 0.3, "billing": 0.15, "engagement": 0.4, "events": 0.2,
    "product": 0.3,
}  # fmt: skip
PEOPLE_PER_COMPANY = 3.7
_FREE_MAIL = (*names.FREE_MAIL, "hotmail.com", "icloud.com", "web.de", "proton.me")
_PLATFORMS = ("https://www.linkedin.com/company/{}", "https://{}.wixsite.com/home", "https://facebook.com/{}")
_ROLES = ("info", "office", "sales", "contact", "billing")


@dataclass
class Firm:
    """One company as it really is."""

    number: int
    name: str
    old_name: str
    country: str
    city: str
    street: str
    postal_code: str
    old_street: str
    old_city: str
    domain: str
    other_domain: str | None
    phone: str
    other_phone: str
    tax_id: str
    records: dict[str, list[str]] = field(default_factory=dict)
    locals: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Corpus:
    """Records in the columns of the entry contract, and who stands behind each: `truth` of (system, id)."""

    accounts: list[dict[str, Any]]
    people: list[dict[str, Any]]
    account_truth: dict[tuple[str, str], str]
    person_truth: dict[tuple[str, str], str]
    rates: errors.Rates


def corpus(seed: int, companies: int) -> Corpus:
    """A market of so many companies; about three account records and ten of people to each of them."""
    return _Market(seed, companies).written_down()


class _Market:
    def __init__(self, seed: int, companies: int) -> None:
        self.rng = stream(seed, "corpus")
        self.rates = errors.draw(self.rng)
        self.words = words.Vocabulary(self.rng, companies)
        self.taken: set[str] = set()
        self.firms: list[Firm] = []
        for number in range(companies):
            self.firms.append(self._firm(number))

    def chance(self, rate: float) -> bool:
        return self.rng.random() < rate

    # --- what is true

    def _firm(self, number: int) -> Firm:
        rng = self.rng
        region = rng.choices(list(REGIONS), list(REGIONS.values()))[0]
        country = rng.choices(list(COUNTRIES[region]), list(COUNTRIES[region].values()))[0]
        parent = rng.choice(self.firms) if number > 20 and self.chance(self.rates.subsidiary) else None
        twin = rng.choice(self.firms) if number > 20 and self.chance(self.rates.name_copied) else None
        domain = None
        if parent is not None:
            word = names.COUNTRY_WORD[country] if self.chance(0.6) else rng.choice(words.DIVISIONS)
            name = f"{parent.name} {word}"
            domain = parent.domain if self.chance(0.35) else None
        else:
            name = twin.name if twin is not None else self._name()
        city = rng.choice(self.words.towns[country])
        return Firm(
            number=number,
            name=name,
            old_name=self._name() if self.chance(self.rates.renamed) else name,
            country=country,
            city=city,
            street=self._street(),
            old_street=self._street(),
            old_city=city if self.chance(0.5) else rng.choice(self.words.towns[country]),
            postal_code=f"{rng.randrange(10000, 99999)}",
            domain=domain or self._domain(name, country),
            other_domain=self._domain(name, country) if self.chance(self.rates.second_domain) else None,
            phone=self._number(country),
            other_phone=self._number(country),
            tax_id=f"{country}{rng.randrange(10**8, 10**9)}",
        )

    def _name(self) -> str:
        rng, vocabulary = self.rng, self.words
        way = rng.random()
        if way < 0.55:
            return f"{vocabulary.brands.draw(rng)} {rng.choice(words.TRADES)}"
        if way < 0.70:
            return f"{vocabulary.families.draw(rng)} & {vocabulary.families.draw(rng)}"
        if way < 0.88:
            return f"{vocabulary.families.draw(rng)} {rng.choice(words.TRADES)}"
        if way < 0.96:
            return f"{vocabulary.brands.draw(rng)}{vocabulary.brands.draw(rng).lower()}"
        return f"{vocabulary.brands.draw(rng)} {rng.choice(words.TRADES)} {rng.choice(words.TRADES)}"

    def _number(self, country: str) -> str:
        return f"{names.PHONE[country]} {self.rng.randrange(200, 990)} {self.rng.randrange(1000000, 9999999)}"

    def _street(self) -> str:
        rng = self.rng
        return f"{rng.randrange(1, 400)} {rng.choice(self.words.roads)} {rng.choice(list(words.ROADS))}"

    def _domain(self, name: str, country: str) -> str:
        parts = [plain(part).lower() for part in name.split() if plain(part)]
        top = names.TOP_LEVEL[country] if self.chance(0.6) else "com"
        label = self.rng.choice(("".join(parts), "-".join(parts), parts[0], "".join(parts[:2])))
        for addition in chain(("", "hq", "group", "-inc"), count(2)):
            domain = f"{label}{addition}.{top}"
            if domain not in self.taken:
                break
        self.taken.add(domain)
        return domain

    # --- what is written down

    def written_down(self) -> Corpus:
        made = Corpus([], [], {}, {}, self.rates)
        for firm in self.firms:
            for system, share in COMPANY_SYSTEMS.items():
                if self.chance(share):
                    for _ in range(2 if self.chance(self.rates.duplicated) else 1):
                        self._account(made, firm, system)
        for number in range(round(len(self.firms) * PEOPLE_PER_COMPANY)):
            self._person(made, number)
        return made

    def _account(self, made: Corpus, firm: Firm, system: str) -> None:
        rates = self.rates
        source_id = f"{system[0]}{len(made.accounts):07d}"
        firm.records.setdefault(system, []).append(source_id)
        known = not self.chance(rates.address_missing)
        moved = self.chance(rates.moved)
        street = firm.old_street if moved else firm.street
        made.account_truth[system, source_id] = f"F{firm.number}"
        made.accounts.append(
            {
                "source_system": system,
                "source_id": source_id,
                "name": self._spelt(firm.name if self.chance(0.7) else firm.old_name, firm.country),
                "website_domain": self._website(firm),
                "street_address": self._road(street)
                if known and not self.chance(rates.street_missing)
                else None,
                "city": self._slip(firm.old_city if moved else firm.city) if known else None,
                "postal_code": firm.postal_code if known and not moved and self.chance(0.7) else None,
                "country_code": self._country(firm.country) if self.chance(0.85) else None,
                "phone": None
                if self.chance(rates.phone_missing)
                else self._dialled(firm.other_phone if self.chance(rates.other_line) else firm.phone),
                "tax_id": firm.tax_id
                if self.chance(rates.tax_id_known if system == "billing" else rates.tax_id_known / 4)
                else None,
                "linked_ids": self._link(system, firm.records, lambda: self.rng.choice(self.firms).records),
            }
        )

    def _country(self, country: str) -> str:
        return self.rng.choice(list(names.CITIES)) if self.chance(self.rates.other_country) else country

    def _link(self, system: str, own: dict[str, list[str]], stranger: Any) -> str | None:
        if system == "crm" or "crm" not in own or not self.chance(self.rates.linked):
            return None
        meant = own
        if self.chance(self.rates.linked_wrong):
            meant = stranger()
        return json.dumps({"crm": meant["crm"][0]}) if "crm" in meant else None

    def _spelt(self, name: str, country: str) -> str:
        rng, rates = self.rng, self.rates
        if self.chance(rates.abbreviated):
            name = " ".join(words.SHORT_TRADES.get(word, word) for word in name.split())
        if self.chance(rates.misspelt):
            name = errors.misspell(rng, name)
        if not self.chance(rates.form_left_out):
            forms = words.LEGAL_FORMS[country]
            name = f"{name} {rng.choice(forms) if self.chance(rates.form_changed) else forms[0]}"
        if self.chance(rates.shouted):
            return name.upper()
        return name.lower() if self.chance(rates.shouted / 3) else name

    def _website(self, firm: Firm) -> str | None:
        rng, rates = self.rng, self.rates
        if self.chance(rates.website_missing):
            return None
        if self.chance(rates.website_free_mail):
            return rng.choice(_FREE_MAIL)
        if self.chance(rates.website_platform):
            return rng.choice(_PLATFORMS).format(firm.domain.split(".")[0])
        domain = firm.other_domain if firm.other_domain and self.chance(0.3) else firm.domain
        return rng.choice((domain, f"https://www.{domain}/", f"www.{domain}", f"HTTP://{domain.upper()}"))

    def _road(self, street: str) -> str:
        if not self.chance(0.4):
            return street
        number, road, kind = street.split()
        return f"{number} {road} {words.ROADS[kind]}" if self.chance(0.7) else f"{road} {kind} {number}"

    def _slip(self, text: str) -> str:
        return errors.misspell(self.rng, text) if self.chance(self.rates.misspelt) else text

    def _dialled(self, number: str) -> str:
        way = self.rng.random()
        if way < 0.3:
            return number.replace(" ", "")
        if way < 0.5:
            return number.replace("+", "00").replace(" ", "-")
        return f"0{number.split(' ', 1)[1]}" if way < 0.6 else number

    def _person(self, made: Corpus, number: int) -> None:
        rng, rates = self.rng, self.rates
        firm = rng.choice(self.firms)
        given, family = self.words.given.draw(rng), self.words.families.draw(rng)
        local = self._local(firm, given, family)
        private = (
            f"{plain(given)}.{plain(family)}{rng.randrange(1, 99)}".lower() + "@" + rng.choice(_FREE_MAIL)
        )
        mobiles = [self._number(firm.country), self._number(firm.country)]
        next_firm = rng.choice(self.firms) if self.chance(rates.job_changed) else firm
        next_local = local if next_firm is firm else self._local(next_firm, given, family)
        has_private = self.chance(rates.private_mail)
        own: dict[str, list[str]] = {}
        for system, share in PERSON_SYSTEMS.items():
            if not self.chance(share):
                continue
            for _ in range(2 if self.chance(rates.duplicated) else 1):
                moved = next_firm is not firm and self.chance(0.3)
                at, mail = (next_firm, next_local) if moved else (firm, local)
                source_id = f"{system[0]}{len(made.people):08d}"
                own.setdefault(system, []).append(source_id)
                made.person_truth[system, source_id] = f"P{number}"
                first, last = self._called(given, family)
                addressed = self.chance(0.3)
                made.people.append(
                    {
                        "source_system": system,
                        "source_id": source_id,
                        "email": self._mail(at, mail, private if has_private and self.chance(0.4) else None),
                        "first_name": first,
                        "last_name": last,
                        "phone": self._phone(at, mobiles[self.chance(rates.other_line)]),
                        "company_name": self._spelt(at.name, at.country) if self.chance(0.7) else None,
                        "account_source_id": at.records[system][0]
                        if system in at.records and self.chance(0.8)
                        else None,
                        "city": self._slip(at.city) if addressed else None,
                        "postal_code": at.postal_code if addressed and self.chance(0.8) else None,
                        "custom": json.dumps({"mailing_street": self._road(at.street)})
                        if addressed and self.chance(0.7)
                        else None,
                        "country_code": self._country(at.country) if self.chance(0.6) else None,
                        "linked_ids": self._person_link(made, system, own),
                    }
                )

    def _person_link(self, made: Corpus, system: str, own: dict[str, list[str]]) -> str | None:
        if system == "crm" or "crm" not in own or not self.chance(0.5):
            return None
        if made.people and self.chance(self.rates.linked_wrong):
            stranger = self.rng.choice(made.people)
            return json.dumps({stranger["source_system"]: stranger["source_id"]})
        return json.dumps({"crm": own["crm"][0]})

    def _local(self, firm: Firm, given: str, family: str) -> str:
        g, f = plain(given).lower(), plain(family).lower()
        wanted = self.rng.choices(
            (f"{g}.{f}", f"{g[0]}{f}", f"{g[0]}.{f}", g, f"{g}_{f}"), (6, 2, 1, 0.7, 0.3)
        )[0]
        local = next(
            each for each in chain((wanted,), (f"{wanted}{n}" for n in count(2))) if each not in firm.locals
        )
        firm.locals.add(local)
        return local

    def _mail(self, firm: Firm, local: str, private: str | None) -> str | None:
        rng, rates = self.rng, self.rates
        if self.chance(rates.mail_missing):
            return None
        if self.chance(rates.role_mailbox):
            return f"{rng.choice(_ROLES)}@{firm.domain}"
        if private is not None:
            return private
        domain = firm.other_domain if firm.other_domain and self.chance(0.2) else firm.domain
        if self.chance(rates.mail_misspelt):
            local = errors.misspell(rng, local)
        mail = f"{local}@{domain}"
        return mail.title() if self.chance(0.03) else mail

    def _called(self, given: str, family: str) -> tuple[str | None, str | None]:
        rates = self.rates
        if given in words.NICKNAMES and self.chance(rates.nickname):
            given = words.NICKNAMES[given]
        if self.chance(rates.initial):
            given = f"{given[0]}."
        given, family = self._slip(given), self._slip(family)
        if self.chance(rates.last_name_missing):
            return given, None
        return (family, given) if self.chance(rates.swapped) else (given, family)

    def _phone(self, firm: Firm, mobile: str) -> str | None:
        if self.chance(self.rates.phone_missing):
            return None
        return self._dialled(firm.phone if self.chance(self.rates.switchboard) else mobile)
