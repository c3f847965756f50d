from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import ConfigurationError
from orchestration.identity import resolve

ACCOUNT = (
    "source_system varchar, source_id varchar, is_deleted boolean,"
    " name varchar, website_domain varchar, tax_id varchar, linked_ids varchar"
)
PERSON = (
    "source_system varchar, source_id varchar, is_deleted boolean,"
    " email varchar, full_name varchar, account_source_id varchar, linked_ids varchar"
)


def account(system, source_id, name=None, domain=None, tax=None, links=None, deleted=False):
    return (system, source_id, deleted, name, domain, tax, json.dumps(links) if links else None)


def person(system, source_id, email=None, name=None, account_id=None, links=None):
    return (system, source_id, False, email, name, account_id, json.dumps(links) if links else None)


class Company:
    """A build file with entry tables, resolved on demand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "build.duckdb"
        self.rules = folder / "rules"
        self.rules.mkdir()

    def entry(self, accounts=(), people=(), opportunities=()):
        with duckdb.connect(str(self.file)) as con:
            con.execute("create schema if not exists entry")
            con.execute(f"create or replace table entry.accounts ({ACCOUNT})")
            con.execute(f"create or replace table entry.people ({PERSON})")
            con.execute(
                "create or replace table entry.opportunities"
                " (source_system varchar, source_id varchar, account_source_id varchar,"
                " person_source_id varchar)"
            )
            for table, rows in (("accounts", accounts), ("people", people), ("opportunities", opportunities)):
                for row in rows:
                    con.execute(f"insert into entry.{table} values ({', '.join('?' * len(row))})", row)

    def overrides(self, *rows: str) -> None:
        header = "action,kind,source_system_a,source_id_a,source_system_b,source_id_b,actor,reason,valid_from"
        (self.rules / "identity_overrides.csv").write_text("\n".join([header, *rows]) + "\n")

    def resolve(self, as_of=date(2026, 11, 23)):
        return resolve(self.file, as_of=as_of, rules=self.rules)

    def groups(self, kind="account") -> set[frozenset[str]]:
        found = defaultdict(set)
        for system, source_id, entity in self.rows(
            f"select source_system, source_id, {kind}_id from identity.{kind}_members"
        ):
            found[entity].add(f"{system}:{source_id}")
        return {frozenset(group) for group in found.values()}

    def rows(self, sql):
        with duckdb.connect(str(self.file), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture
def company(tmp_path):
    return Company(tmp_path)


def test_records_with_one_corporate_domain_and_compatible_names_are_one_account(company):
    company.entry(
        [
            account("crm", "1", "Acme Robotics Inc.", "https://www.acme.co.uk/about"),
            account("billing", "c1", "ACME ROBOTICS", "acme.co.uk"),
            account("support", "9", "Beta AG", "beta.de"),
        ]
    )
    company.resolve()
    assert company.groups() == {frozenset({"crm:1", "billing:c1"}), frozenset({"support:9"})}


def test_a_free_mail_or_platform_domain_joins_nobody(company):
    company.entry(
        [
            account("crm", "1", "Acme", "gmail.com"),
            account("billing", "2", "Acme Foods", "gmail.com"),
            account("crm", "3", "Beta", "https://linkedin.com/company/beta"),
            account("support", "4", "Beta Freight", "linkedin.com"),
        ]
    )
    company.resolve()
    assert all(len(g) == 1 for g in company.groups())


def test_a_parent_and_its_subsidiary_on_one_domain_stay_two_accounts(company):
    company.entry(
        [
            account("crm", "1", "Acme Inc", "acme.com"),
            account("crm", "2", "Acme Deutschland GmbH", "acme.com"),
            account("billing", "3", "Acme", "acme.com"),
            account("billing", "4", "Acme Germany", "acme.com"),
        ]
    )
    company.resolve()
    assert company.groups() == {frozenset({"crm:1", "billing:3"}), frozenset({"crm:2", "billing:4"})}


def test_two_accounts_of_one_source_are_joined_only_by_an_equal_name(company):
    company.entry(
        [
            account("crm", "1", "Acme", "acme.com"),
            account("crm", "2", "Acme Labs", "acme.com"),
            account("crm", "3", "ACME, Inc.", "acme.com"),
            account("billing", "4", "Acme", "acme.com"),
        ]
    )
    company.resolve()
    assert company.groups() == {frozenset({"crm:1", "crm:3", "billing:4"}), frozenset({"crm:2"})}


def test_a_linked_id_joins_records_whose_names_differ(company):
    company.entry(
        [
            account("crm", "1", "Acme", "acme.com"),
            account("billing", "x", "Acme Holdings Ltd", None, links={"crm": "1"}),
            account("support", "y", "unknown", None, links={"crm": "1"}),
        ]
    )
    company.resolve()
    assert company.groups() == {frozenset({"crm:1", "billing:x", "support:y"})}


def test_a_linked_id_between_strangers_is_not_believed(company):
    company.entry(
        [
            account("crm", "1", "Zulu Quarry", "zulu.com"),
            account("billing", "x", "Hibernate", "hiber.io", links={"crm": "1"}),
        ]
    )
    company.resolve()
    assert all(len(g) == 1 for g in company.groups())


def test_the_same_tax_id_is_one_account_even_inside_one_source(company):
    company.entry(
        [account("crm", "1", "Acme", tax="DE 123.456"), account("crm", "2", "Other name", tax="de123456")]
    )
    company.resolve()
    assert company.groups() == {frozenset({"crm:1", "crm:2"})}


def test_a_person_is_recognised_by_the_address_whatever_its_spelling(company):
    company.entry(
        people=[
            person("crm", "1", "Ann.Lee@Gmail.com"),
            person("marketing", "2", "annlee+news@googlemail.com"),
            person("support", "3", " ann.lee@acme.com "),
            person("billing", "4", "ANN.LEE@ACME.COM"),
        ]
    )
    company.resolve()
    assert company.groups("person") == {
        frozenset({"crm:1", "marketing:2"}),
        frozenset({"support:3", "billing:4"}),
    }


def test_a_role_mailbox_joins_nobody(company):
    company.entry(
        people=[person("crm", "1", "info@acme.com", "Ann"), person("marketing", "2", "info@acme.com", "Bob")]
    )
    company.resolve()
    assert all(len(g) == 1 for g in company.groups("person"))


def test_every_record_and_every_dangling_reference_has_a_row(company):
    company.entry(
        accounts=[account("crm", "1", "Acme", deleted=True)],
        people=[person("crm", "p1", account_id="gone")],
        opportunities=[
            ("crm", "o1", "1", "p9"),
            ("crm", "o2", None, None),
            ("maven", "o3", "Acme Ltd", None),
        ],
    )
    report = company.resolve()
    assert company.rows(
        "select source_system, source_id, match_method from identity.account_members order by all"
    ) == [
        ("crm", "1", "single"),
        ("crm", "gone", "reference"),
        ("maven", "Acme Ltd", "reference"),
    ]
    assert company.rows("select source_id, match_method from identity.person_members order by all") == [
        ("p1", "single"),
        ("p9", "reference"),
    ]
    assert (report.account_records, report.accounts, report.person_records) == (3, 3, 2)


def test_overrides_are_obeyed_and_travel_with_their_valid_from(company):
    company.entry(
        [
            account("crm", "1", "Acme", "acme.com"),
            account("billing", "2", "Acme", "acme.com"),
            account("support", "3", "Something else"),
        ]
    )
    company.overrides(
        "cannot_link,account,crm,1,billing,2,ann,two businesses,2026-01-01",
        "must_link,account,support,3,crm,1,ann,renamed,2027-01-01",
    )
    company.resolve()
    assert all(len(g) == 1 for g in company.groups())
    company.resolve(as_of=date(2027, 1, 1))
    assert company.groups() == {frozenset({"crm:1", "support:3"}), frozenset({"billing:2"})}


def test_overrides_that_contradict_each_other_fail_the_run(company):
    company.entry([account("crm", "1"), account("billing", "2"), account("support", "3")])
    company.overrides(
        "must_link,account,crm,1,billing,2,ann,same,",
        "must_link,account,billing,2,support,3,ann,same,",
        "cannot_link,account,crm,1,support,3,ann,different,",
    )
    with pytest.raises(ConfigurationError, match="must be linked and must not be"):
        company.resolve()


def test_row_order_does_not_change_a_byte(company):
    rows = [account(s, str(i), f"Name {i % 7}", f"d{i % 5}.com") for s in ("a", "b", "c") for i in range(20)]
    tables = []
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        company.entry(rows)
        company.resolve()
        tables.append(
            [
                company.rows(f"select * from identity.{t}")
                for t in ("account_members", "person_members", "events")
            ]
        )
    assert tables[0] == tables[1] == tables[2]
