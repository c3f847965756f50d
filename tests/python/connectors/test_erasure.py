"""A person leaves the raw log of every vendor that knows people, and no later read brings them back."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vendor import Vendor

from orchestration.contract import modelled_entities, raw_contract
from orchestration.erasure import identifiers
from orchestration.erasure.databases import erase_from_landing
from orchestration.sources import raw_tables
from orchestration.sources.entities import vendor_table
from orchestration.sources.salesforce import tables as salesforce_tables
from orchestration.sources.suppression import Suppression
from orchestration.vendor_settings import VENDORS
from orchestration.warehouse import attached, landing_file, open_memory

pytestmark = pytest.mark.slow

JANE, BOB = "jane.doe@northwind.test", "bob@northwind.test"
_ADDRESS = re.compile(r"(^|_)(e_?mails?|email_address|recipient)$")


def _salesforce(api: Any, address: str, name: str) -> Callable[[], None]:
    for table in salesforce_tables.TABLES:
        api.store.table(table.path)
    contact = api.org.create("Contact", Email=address, LastName=name, Note__c=f"ask {address}")
    api.org.create("Task", WhoId=contact, Subject="Call", Status="Done", IsClosed=True)
    return lambda: api.org.update("Contact", contact, Title="CFO")


def _hubspot(api: Any, address: str, name: str) -> Callable[[], None]:
    contact = api.portal.create("contacts", email=address, firstname=name, note=f"ask {address}")
    return lambda: api.portal.update("contacts", contact, jobtitle="CFO")


def _zendesk(api: Any, address: str, name: str) -> Callable[[], None]:
    user = api.account.create("users", name=name, email=address, notes=f"ask {address}")
    ticket = api.account.create("tickets", requester_id=int(user), subject=f"From {address}")
    api.account.rate(ticket, "good", f"Thanks, {address}")
    return lambda: api.account.update("users", user, phone="1")


def _stripe(api: Any, address: str, name: str) -> Callable[[], None]:
    customer = api.account.create("customers", name=f"{name} Ltd", email=address, currency="usd")
    return lambda: api.account.update("customers", customer, phone="1")


def _mailshake(api: Any, address: str, name: str) -> Callable[[], None]:
    team = api.team
    person = team.recipient(team.campaign("C"), address, f"{name} Doe", note=f"ask {address}")
    sent = team.send(person, "x@team.test")
    team.open(sent)
    team.reply(sent)
    team.lead(person)
    return lambda: team.open(team.send(person, "x@team.test"))


def _jira(api: Any, address: str, name: str) -> Callable[[], None]:
    who = api.site.user(name, address)
    issue = api.site.issue("Website", f"Write to {address}")
    api.site.assign(issue, who)
    return lambda: api.site.update(issue, summary=f"Call {address}")


def _asana(api: Any, address: str, name: str) -> Callable[[], None]:
    who = api.board.user(name, address)
    task = api.board.task(api.board.project("Website"), f"Write to {address}")
    api.board.assign(task, who)
    return lambda: api.board.update(task, name=f"Call {address}")


def _pipedrive(api: Any, address: str, name: str) -> Callable[[], None]:
    addresses = [{"value": address, "primary": True, "label": "work"}]
    person = api.company.create("persons", name=f"{name} Doe", emails=addresses)
    return lambda: api.company.update("persons", person, name=f"{name} D.")


def _intercom(api: Any, address: str, name: str) -> Callable[[], None]:
    contact = api.workspace.create("contacts", name=name, email=address, role="user")
    api.workspace.ask(contact)
    return lambda: api.workspace.update("contacts", contact, phone="1")


MAKERS = {
    "salesforce": _salesforce,
    "hubspot": _hubspot,
    "zendesk": _zendesk,
    "stripe": _stripe,
    "mailshake": _mailshake,
    "pipedrive": _pipedrive,
    "intercom": _intercom,
    "jira": _jira,
    "asana": _asana,
}


def erase(vendor: Vendor, address: str) -> None:
    """What `revops forget` does to the raw log."""
    raw, suppression = raw_tables(vendor.settings), Suppression(vendor.home)
    path, work = landing_file(vendor.home), vendor.home / "work" / "erase"
    work.mkdir(parents=True)
    with open_memory() as con, attached(con, path, "landing", read_only=True):
        person = identifiers.find(con, vendor.home, address, raw)
    suppression.add(sorted(person.addresses), sorted(person.records))
    erase_from_landing(path, work, person, raw, suppression)


def mentions(vendor: Vendor, address: str) -> int:
    """How many files of the home folder hold the address."""
    files = [path for path in vendor.home.rglob("*") if path.is_file()]
    return sum(address.encode() in path.read_bytes().lower() for path in files)


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_an_erased_person_stays_away_and_others_stay(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = Vendor(kind, tmp_path, monkeypatch, quick=True)
    try:
        change = MAKERS[kind](vendor.api, JANE, "Jane")
        MAKERS[kind](vendor.api, BOB, "Bob")
        vendor.pass_time(minutes=10)
        vendor.sync()
        assert mentions(vendor, JANE) and mentions(vendor, BOB)
        erase(vendor, JANE)
        assert (mentions(vendor, JANE), mentions(vendor, BOB)) == (0, 1)
        change()
        for options in ({}, {"full_refresh": True}):
            vendor.pass_time(minutes=10)
            vendor.sync(**options)
            assert (mentions(vendor, JANE), mentions(vendor, BOB)) == (0, 1), options
    finally:
        vendor.close()


@pytest.mark.parametrize("kind", sorted(VENDORS))
def test_who_holds_persons_says_where(kind: str) -> None:
    tables = {name: vendor_table(entity) for name, entity in raw_contract(kind).items()}
    persons = {name for name, table in tables.items() if table.is_person}
    assert bool(persons) == ("people" in modelled_entities()[kind]), "which table holds the people?"
    for name, table in tables.items():
        linked = {each for people in table.person_links.values() for each in people}
        assert linked <= persons, f"{name} links to {linked - persons}, which hold no persons"
        open_to_all = {column for column in table.columns if _ADDRESS.search(column)} - table.personal
        assert not open_to_all, f"{name} has addresses that are not marked as personal: {open_to_all}"
    if persons:
        assert kind in MAKERS, "add a maker above, which shows that an erased person stays away"
