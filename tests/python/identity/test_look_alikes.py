"""What must never be merged, however alike it looks; and what is found among thousands of look-alikes."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from orchestration.identity import resolve
from sandbox.corpus.figures import figures, members, write_entry
from sandbox.corpus.market import corpus

AS_OF = date(2026, 11, 23)


def account(system, source_id, name, domain=None, **more):
    columns = (
        "tax_id", "phone", "street_address", "postal_code", "city", "country_code", "linked_ids",
    )  # fmt: skip
    return {
        "source_system": system, "source_id": source_id, "name": name, "website_domain": domain,
    } | {c: more.get(c) for c in columns}  # fmt: skip


def person(system, source_id, email, first, last, **more):
    columns = ("phone", "company_name", "account_source_id", "city", "postal_code", "linked_ids")
    return {
        "source_system": system, "source_id": source_id, "email": email, "first_name": first,
        "last_name": last,
    } | {c: more.get(c) for c in columns}  # fmt: skip


def resolved(folder: Path, kind: str, accounts=(), people=()) -> dict[tuple[str, str], str]:
    file = folder / "build.duckdb"
    write_entry(file, list(accounts), list(people))
    resolve(file, as_of=AS_OF, rules=folder)
    return members(file, kind)


def largest(found: dict[tuple[str, str], str]) -> int:
    groups = defaultdict(set)
    for record, entity in found.items():
        groups[entity].add(record)
    return max(len(group) for group in groups.values())


SYLLABLES = ("ba", "ko", "ri", "zu", "te", "mo", "la", "ne", "vi", "so")


def word(number: int) -> str:
    return "".join(SYLLABLES[int(digit)] for digit in f"{number * 7919 % 10000:04d}").title()


def test_a_flood_of_records_on_one_free_mail_domain_joins_nobody(tmp_path):
    accounts = [account("crm", f"a{n}", f"{word(n)} {word(n + 4000)}", "gmail.com") for n in range(3000)]
    assert largest(resolved(tmp_path, "account", accounts)) == 1


def test_people_of_one_free_mail_domain_are_not_colleagues(tmp_path):
    people = [
        person(
            "crm" if n % 2 else "shop", f"p{n}", f"{word(n).lower()}{n}@gmail.com", word(n), word(n + 4000)
        )
        for n in range(3000)
    ]
    assert largest(resolved(tmp_path, "person", people=people)) == 1


@pytest.mark.parametrize("system", ["one", "several"])
def test_fifty_companies_of_one_name_stay_fifty(tmp_path, system):
    towns = ("Lyon", "Graz", "Leeds", "Turku", "Porto", "Boise", "Gdansk", "Malmo", "Osaka", "Perth")
    accounts = [
        account(
            "crm" if system == "one" else f"system{n % 5}",
            f"a{n}",
            "Phoenix Consulting" + (" GmbH", " Ltd", "")[n % 3],
            f"phoenix-{word(n).lower()}.com" if n % 2 else None,
            city=towns[n // 5],
            phone=f"+49 30 {1000000 + n * 7717}",
        )
        for n in range(50)
    ]
    assert largest(resolved(tmp_path, "account", accounts)) == 1


@pytest.mark.parametrize("mailbox", ["info@acme.com", "vertrieb.sued@acme.com"])
def test_a_role_mailbox_of_five_hundred_people_joins_none_of_them(tmp_path, mailbox):
    people = [
        person("crm" if n % 2 else "desk", f"p{n}", mailbox, word(n), word(n + 5000), company_name="Acme")
        for n in range(500)
    ]
    assert largest(resolved(tmp_path, "person", people=people)) == 1


def test_a_switchboard_number_joins_nobody(tmp_path):
    people = [
        person("crm" if n % 2 else "desk", f"p{n}", None, word(n), word(n + 5000), phone="+49 30 5550000")
        for n in range(2000)
    ]
    assert largest(resolved(tmp_path, "person", people=people)) == 1


def test_two_people_who_share_a_phone_stay_two(tmp_path):
    people = [
        person("crm", "1", "ann.lee@acme.com", "Ann", "Lee", phone="+49 30 5550000", company_name="Acme"),
        person("desk", "2", "bob.ray@acme.com", "Bob", "Ray", phone="+49 30 5550000", company_name="Acme"),
    ]
    assert largest(resolved(tmp_path, "person", people=people)) == 1


def test_a_parent_and_its_thirty_subsidiaries_are_thirty_one_companies(tmp_path):
    places = (
        "Deutschland", "UK", "France", "Italia", "Japan", "Brasil", "Canada", "Australia", "Austria",
        "Belgium",
    )  # fmt: skip
    divisions = (
        "Labs",
        "Capital",
        "Health",
        "Energy",
        "Digital",
        "Services",
        "Media",
        "Ventures",
        "Pharma",
        "Retail",
    )
    names = ["Northwind", *(f"Northwind {p}" for p in places), *(f"Northwind {d}" for d in divisions)]
    names += [f"Northwind {p} {d}" for p, d in zip(places, divisions, strict=True)]
    accounts = [account("crm", f"a{n}", name, "northwind.com") for n, name in enumerate(names)]
    accounts += [account("billing", f"b{n}", name, "northwind.com") for n, name in enumerate(names)]
    found = resolved(tmp_path, "account", accounts)
    truth = {("crm", f"a{n}"): n for n in range(31)} | {("billing", f"b{n}"): n for n in range(31)}
    assert figures(found, truth).precision == 1
    assert largest(found) == 2


def test_two_people_of_one_name_in_one_company_stay_two(tmp_path):
    people = [
        person("crm", "1", "john.smith@acme.com", "John", "Smith", company_name="Acme"),
        person("crm", "2", "john.smith2@acme.com", "John", "Smith", company_name="Acme"),
        person("desk", "3", "john.smith@acme.com", "John", "Smith", company_name="Acme"),
        person("desk", "4", "j.smith@acme.com", "John", "Smith", company_name="Acme"),
        # could be any of them
        person("shop", "5", None, "John", "Smith", company_name="Acme"),
    ]
    found = resolved(tmp_path, "person", people=people)
    assert found["crm", "1"] == found["desk", "3"]
    assert len(set(found.values())) == 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_look_alikes_are_told_apart_at_rates_of_error_not_seen_before(tmp_path, seed):
    made = corpus(seed, 860)
    file = tmp_path / "build.duckdb"
    write_entry(file, made.accounts, made.people)
    resolve(file, as_of=AS_OF, rules=tmp_path)
    for kind, truth, recall, b_cubed in (
        ("account", made.account_truth, 0.93, 0.975),
        ("person", made.person_truth, 0.955, 0.985),
    ):
        found = figures(members(file, kind), truth)
        assert found.precision >= 0.998, (kind, found)
        assert found.recall >= recall, (kind, found)
        assert found.b_cubed >= b_cubed, (kind, found)
        assert found.over_merged <= 0.002, (kind, found)
        assert found.most_truths <= 2, (kind, found)


def test_a_given_name_at_one_address_of_an_employer_is_not_a_person(tmp_path):
    """Three colleagues called Ben; a record that is only "Ben" belongs to the mailbox it shows."""
    office = {"company_name": "Acme Health", "city": "Teraton", "postal_code": "76135"}
    people = [
        person("crm", "1", "ben.brocack@acme.com", "Ben", "Brocack", **office),
        person("desk", "2", "ben.brocack@acme.com", "Ben", None, **office),
        person("crm", "3", "ben.cladoth@acme.com", "Ben", "Cladoth", **office),
        person("desk", "4", None, "Ben", "Bokar", **office),
        person("crm", "5", "bbokar@acme.com", "Ben", "Bokar", **office),
    ]
    found = resolved(tmp_path, "person", people=people)
    assert found["crm", "1"] == found["desk", "2"]
    assert len({found["crm", "1"], found["crm", "3"], found["desk", "4"]}) == 3


def test_only_a_name_that_begins_alike_is_for_review(tmp_path):
    accounts = [account("crm", "1", "Acme", "acme.com"), account("billing", "2", "Acme Foods")]
    assert largest(resolved(tmp_path, "account", accounts)) == 1
    town = [row | {"city": "Lyon", "phone": "+33 4 5550 1234"} for row in accounts]
    assert largest(resolved(tmp_path, "account", town)) == 2


def test_records_of_a_list_with_nothing_but_one_name_are_one_unless_others_bear_it(tmp_path):
    bare = [account("list", f"a{n}", "AKZO NOBEL N.V.") for n in range(300)]
    assert len(set(resolved(tmp_path, "account", bare).values())) == 1
    # of several systems, each rarely holds a company twice
    twice = [account("list", "1", "TEST do not use"), account("list", "2", "TEST do not use")]
    assert largest(resolved(tmp_path, "account", [*twice, account("crm", "3", "Acme", "acme.com")])) == 1
    borne = [account("list", f"c{n}", "Akzo Nobel", f"{word(n).lower()}.com") for n in range(3)]
    assert largest(resolved(tmp_path, "account", [*bare[:20], *borne])) == 1
