"""Whatever happens at a vendor, and however its API behaves, the entry entities are what the vendor holds.

Random scripts of creates, updates, deletes, undeletes, merges, purges, faults and reads. After every read
each record is there once, as the vendor has it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from vendor import Vendor

from orchestration.errors import SourceFailed
from orchestration.sources.salesforce import extract, tables
from sandbox.vendors.faults import Fault

pytestmark = pytest.mark.slow

# `make lives` sets it: the same machine, at the size of the promise.
SCRIPTS = int(os.environ.get("REVOPS_LIVES", "4"))

amounts = st.decimals(min_value=0, max_value=10**9, places=2) | st.none()
moments = st.integers(min_value=0, max_value=7200)
faults = st.builds(
    Fault,
    what=st.sampled_from(
        ["status", "truncate", "bad_json", "html", "reset", "expire", "error_200", "no_list"]
    ),
    path=st.sampled_from(
        ["/query", "/describe", "/v1/", "/v2/", "search", "campaign", "insights", "Analytics", "", "/list"]
    ),
    nth=st.integers(min_value=1, max_value=12),
    times=st.integers(min_value=1, max_value=6),
    status=st.sampled_from([429, 500, 503]),
)
pages = st.sampled_from([1, 2, 3, None])


class _Life(RuleBasedStateMachine):
    """What every vendor's machine has: time, faults, and reads that may fail but never lie."""

    kind: str
    # After how long everything is read again, for what no feed of the vendor tells.
    settles = timedelta(0)

    def __init__(self) -> None:
        super().__init__()
        # Entity and key of records that changed since in a way that no feed tells.
        self.unsettled: set[tuple[str, str]] = set()
        self._folder = TemporaryDirectory()
        self._patch = pytest.MonkeyPatch()
        self.prepare()
        self.vendor = Vendor(self.kind, Path(self._folder.name), self._patch, quick=True)
        self.read = False

    def prepare(self) -> None:
        """Before the vendor is there."""

    def teardown(self) -> None:
        self.vendor.close()
        self._patch.undo()
        self._folder.cleanup()

    @rule(seconds=moments)
    def time_passes(self, seconds: int) -> None:
        self.vendor.pass_time(seconds=seconds)

    @rule(fault=faults)
    def something_breaks(self, fault: Fault) -> None:
        fault.seen = 0
        self.vendor.api.faults.append(fault)

    @rule(size=pages, duplicates=st.booleans(), unordered=st.booleans())
    def pages_change(self, size: int | None, duplicates: bool, unordered: bool) -> None:
        quirks = self.vendor.api.quirks
        # A page of one record that repeats the one before would never move on.
        quirks.page_size, quirks.duplicates, quirks.unordered = size, duplicates and size != 1, unordered

    @rule()
    def a_read(self) -> None:
        try:
            self.vendor.sync(allow_shrink=True)
        except SourceFailed:
            # Nothing of it counts; what was read before is still there, and the next one reads it all.
            return
        self.read = True
        self.compare()

    @precondition(lambda self: self.vendor.api.faults)
    @rule()
    def a_read_on_a_good_day(self) -> None:
        self.vendor.api.faults.clear()
        self.vendor.now += self.settles
        self.vendor.sync(allow_shrink=True)
        self.unsettled.clear()
        self.read = True
        self.compare()

    def compare(self) -> None:
        """The entry entities against what the vendor holds."""
        raise AssertionError("a machine compares something")

    @invariant()
    def ids_are_unique(self) -> None:
        """`Vendor.entry` itself refuses an id that is there twice."""

    def same(self, entity: str, held: dict[str, dict[str, Any]]) -> None:
        """An entity is what the vendor holds, but for what is not settled yet."""
        unsettled = {key for name, key in self.unsettled if name == entity}
        found = self.vendor.entry(entity)
        _same(
            {key: row for key, row in found.items() if key not in unsettled},
            {key: row for key, row in held.items() if key not in unsettled},
        )


def _same(found: dict[str, dict[str, Any]], held: dict[str, dict[str, Any]]) -> None:
    assert found.keys() == held.keys()
    for key, expected in held.items():
        assert {name: found[key][name] for name in expected} == expected


class Salesforce(_Life):
    """An org with accounts, contacts and deals."""

    kind = "salesforce"

    def prepare(self) -> None:
        wanted = ("account", "opportunity", "opportunity_history", "opportunity_contact_role")
        few = [table for table in tables.TABLES if table.name in wanted]
        self._patch.setattr(extract, "TABLES", few)

    def __init__(self) -> None:
        super().__init__()
        self.org = self.vendor.api.org
        for name in ("Account", "Opportunity", "OpportunityHistory", "OpportunityContactRole"):
            self.vendor.api.store.table(name)

    def _pick(self, name: str, number: int, *, deleted: bool | None = False) -> str | None:
        keys = [key for key, row in self.org.records(name).items() if deleted in (None, row["IsDeleted"])]
        return keys[number % len(keys)] if keys else None

    numbers = st.integers(min_value=0, max_value=99)

    @rule(name=st.text(alphabet="abcé漢 ", min_size=1, max_size=8))
    def an_account(self, name: str) -> None:
        self.org.create("Account", Name=name)

    @rule(amount=amounts, number=numbers)
    def a_deal(self, amount: Decimal | None, number: int) -> None:
        value = None if amount is None else float(amount)
        account = self._pick("Account", number)
        self.org.create("Opportunity", Name="Deal", StageName="Open", AccountId=account, Amount=value)

    @rule(number=numbers, amount=amounts, stage=st.sampled_from(["Open", "Won", "Öffnung"]))
    def a_deal_changes(self, number: int, amount: Decimal | None, stage: str) -> None:
        if key := self._pick("Opportunity", number):
            value = None if amount is None else float(amount)
            self.org.update("Opportunity", key, Amount=value, StageName=stage)

    @rule(number=numbers, name=st.sampled_from(["Account", "Opportunity"]))
    def one_is_deleted(self, number: int, name: str) -> None:
        if key := self._pick(name, number):
            self.org.delete(name, key)

    @rule(number=numbers, name=st.sampled_from(["Account", "Opportunity"]))
    def one_is_restored(self, number: int, name: str) -> None:
        if key := self._pick(name, number, deleted=True):
            self.org.undelete(name, key)

    @rule(number=numbers, name=st.sampled_from(["Account", "Opportunity"]))
    def one_is_purged(self, number: int, name: str) -> None:
        if key := self._pick(name, number, deleted=None):
            self.org.purge(name, key)

    @rule(one=numbers, other=numbers)
    def two_accounts_are_merged(self, one: int, other: int) -> None:
        winner, loser = self._pick("Account", one), self._pick("Account", other)
        if winner and loser and winner != loser:
            self.org.merge("Account", winner, loser)

    def compare(self) -> None:
        live = {
            name: {key: row for key, row in self.org.records(name).items() if not row["IsDeleted"]}
            for name in ("Account", "Opportunity")
        }
        self.same(
            "accounts", {key: {"name": row["Name"].strip() or None} for key, row in live["Account"].items()}
        )
        deals = {
            key: {
                "stage": row["StageName"],
                "amount": None if row["Amount"] is None else Decimal(str(row["Amount"])),
                "account_source_id": row["AccountId"],
            }
            for key, row in live["Opportunity"].items()
        }
        self.same("opportunities", deals)


class Stripe(_Life):
    """An account with customers and invoices."""

    kind = "stripe"
    numbers = st.integers(min_value=0, max_value=99)

    def __init__(self) -> None:
        super().__init__()
        self.account = self.vendor.api.account

    def _pick(self, resource: str, number: int) -> str | None:
        keys = sorted(self.account.objects(resource))
        return keys[number % len(keys)] if keys else None

    @rule(name=st.text(alphabet="abcé漢", min_size=1, max_size=8))
    def a_customer(self, name: str) -> None:
        self.account.create("customers", name=name, currency="usd")

    @rule(number=numbers, name=st.text(alphabet="xyz", min_size=1, max_size=8))
    def a_customer_changes(self, number: int, name: str) -> None:
        if key := self._pick("customers", number):
            self.account.update("customers", key, name=name)

    @rule(number=numbers)
    def a_customer_is_deleted(self, number: int) -> None:
        if key := self._pick("customers", number):
            self.account.delete("customers", key)

    @rule(total=st.integers(min_value=0, max_value=10**12), currency=st.sampled_from(["usd", "jpy", "kwd"]))
    def an_invoice(self, total: int, currency: str) -> None:
        self.account.create("invoices", customer="cus_1", currency=currency, total=total, status="draft")

    @rule(number=numbers, status=st.sampled_from(["open", "paid", "void"]))
    def an_invoice_changes(self, number: int, status: str) -> None:
        if key := self._pick("invoices", number):
            self.account.update("invoices", key, status=status)

    @rule(number=numbers)
    def an_invoice_is_deleted(self, number: int) -> None:
        if key := self._pick("invoices", number):
            self.account.delete("invoices", key)

    def compare(self) -> None:
        customers = self.account.objects("customers")
        self.same("accounts", {key: {"name": row["name"]} for key, row in customers.items()})
        places = {"usd": 2, "jpy": 0, "kwd": 3}
        invoices = {
            key: {
                "amount": Decimal(row["total"]).scaleb(-places[row["currency"]]),
                "status": row["status"],
                "currency_code": row["currency"].upper(),
            }
            for key, row in self.account.objects("invoices").items()
        }
        self.same("invoices", invoices)


class Pipedrive(_Life):
    """A company with organizations and deals; deletes leave no trace but in the list of deleted deals."""

    kind = "pipedrive"
    settles = timedelta(days=1)
    numbers = st.integers(min_value=0, max_value=99)

    def __init__(self) -> None:
        super().__init__()
        self.company = self.vendor.api.company
        for name in ("Open", "Öffnung"):
            self.company.create("stages", name=name)

    def _pick(self, name: str, number: int, *, deleted: bool = False) -> int | None:
        keys = [row["id"] for row in self.company.records(name).values() if row["is_deleted"] == deleted]
        return keys[number % len(keys)] if keys else None

    @rule(name=st.text(alphabet="abcé漢", min_size=1, max_size=8))
    def an_organization(self, name: str) -> None:
        self.company.create("organizations", name=name)

    @rule(amount=amounts, number=numbers)
    def a_deal(self, amount: Decimal | None, number: int) -> None:
        value = None if amount is None else float(amount)
        self.company.create("deals", stage_id=1, org_id=self._pick("organizations", number), value=value)

    @rule(number=numbers, amount=amounts, stage=st.sampled_from([1, 2]))
    def a_deal_changes(self, number: int, amount: Decimal | None, stage: int) -> None:
        if key := self._pick("deals", number):
            value = None if amount is None else float(amount)
            self.company.update("deals", key, value=value, stage_id=stage)

    @rule(number=numbers, status=st.sampled_from(["won", "lost", "open"]))
    def a_deal_is_decided(self, number: int, status: str) -> None:
        if key := self._pick("deals", number):
            self.company.reopen(key) if status == "open" else self.company.close(key, status)

    @rule(number=numbers)
    def a_deal_is_archived(self, number: int) -> None:
        if key := self._pick("deals", number):
            self.company.archive(key)

    @rule(number=numbers)
    def a_deal_is_deleted(self, number: int) -> None:
        if key := self._pick("deals", number):
            self.company.delete("deals", key)

    @rule(number=numbers)
    def a_deal_is_restored(self, number: int) -> None:
        if key := self._pick("deals", number, deleted=True):
            self.company.restore("deals", key)

    @rule(number=numbers, name=st.sampled_from(["deals", "organizations"]))
    def one_is_purged(self, number: int, name: str) -> None:
        if key := self._pick(name, number):
            self.company.purge(name, key)
            self.unsettled.add(({"deals": "opportunities"}.get(name, "accounts"), str(key)))

    @rule(one=numbers, other=numbers)
    def two_organizations_are_merged(self, one: int, other: int) -> None:
        winner, loser = self._pick("organizations", one), self._pick("organizations", other)
        if winner and loser and winner != loser:
            moved = [each for each in self.company.records("deals").values() if each["org_id"] == loser]
            self.company.merge("organizations", winner, loser)
            self.unsettled |= {("accounts", str(loser)), *(("opportunities", str(e["id"])) for e in moved)}

    def compare(self) -> None:
        held = self.company.records("organizations").items()
        self.same("accounts", {key: {"name": row["name"]} for key, row in held})
        deals = {}
        for key, row in self.company.records("deals").items():
            if row["is_deleted"] or (row["is_archived"] and row["status"] == "open"):
                continue
            stage = self.company.records("stages")[str(row["stage_id"])]["name"]
            deals[key] = {
                "stage": {"won": "Won", "lost": "Lost"}.get(row["status"], stage),
                "amount": None if row["value"] is None else Decimal(str(row["value"])),
                "account_source_id": None if row["org_id"] is None else str(row["org_id"]),
            }
        self.same("opportunities", deals)


class Chargebee(_Life):
    """A site with customers, invoices and subscriptions."""

    kind = "chargebee"
    numbers = st.integers(min_value=0, max_value=99)

    def __init__(self) -> None:
        super().__init__()
        self.site = self.vendor.api.site

    def _pick(self, resource: str, number: int) -> str | None:
        keys = [key for key, row in self.site.records(resource).items() if not row["deleted"]]
        return keys[number % len(keys)] if keys else None

    @rule(name=st.text(alphabet="abcé漢", min_size=1, max_size=8))
    def a_customer(self, name: str) -> None:
        self.site.create("customers", company=name)

    @rule(number=numbers, name=st.text(alphabet="xyz", min_size=1, max_size=8))
    def a_customer_changes(self, number: int, name: str) -> None:
        if key := self._pick("customers", number):
            self.site.update("customers", key, company=name)

    @rule(total=st.integers(min_value=0, max_value=10**12), currency=st.sampled_from(["USD", "JPY", "KWD"]))
    def an_invoice(self, total: int, currency: str) -> None:
        fields = {"customer_id": "c1", "currency_code": currency, "total": total, "status": "pending"}
        self.site.create("invoices", **fields)

    @rule(number=numbers, total=st.integers(min_value=0, max_value=10**6))
    def an_invoice_is_paid(self, number: int, total: int) -> None:
        if key := self._pick("invoices", number):
            self.site.update("invoices", key, status="paid", total=total)

    @rule(price=st.integers(min_value=0, max_value=10**6), quantity=st.integers(min_value=1, max_value=9))
    def a_subscription(self, price: int, quantity: int) -> None:
        self.site.subscribe("c1", self.site.item("core", price, quantity))

    @rule(number=numbers, price=st.integers(min_value=0, max_value=10**6))
    def a_price_changes(self, number: int, price: int) -> None:
        if key := self._pick("subscriptions", number):
            self.site.update("subscriptions", key, subscription_items=[self.site.item("core", price)])

    @rule(number=numbers, resource=st.sampled_from(["customers", "invoices", "subscriptions"]))
    def one_is_deleted(self, number: int, resource: str) -> None:
        if key := self._pick(resource, number):
            self.site.delete(resource, key)

    def compare(self) -> None:
        live = {
            name: {key: row for key, row in self.site.records(name).items() if not row["deleted"]}
            for name in ("customers", "invoices", "subscriptions")
        }
        _same(
            self.vendor.entry("accounts"),
            {key: {"name": row["company"]} for key, row in live["customers"].items()},
        )
        places = {"USD": 2, "JPY": 0, "KWD": 3}
        invoices = {
            key: {
                "amount": Decimal(row["total"]).scaleb(-places[row["currency_code"]]),
                "status": {"pending": "draft"}.get(row["status"], row["status"]),
            }
            for key, row in live["invoices"].items()
        }
        _same(self.vendor.entry("invoices"), invoices)
        in_force = {
            row["subscription_id"]: row["amount"]
            for row in self.vendor.entry("subscription_periods").values()
            if row["ends_on"] is None
        }
        assert in_force == {
            key: Decimal(row["subscription_items"][0]["amount"]) / 100
            for key, row in live["subscriptions"].items()
        }


class _Advertising(_Life):
    """A platform with two accounts, whose days are booked, restated and credited."""

    numbers = st.integers(min_value=0, max_value=99)
    # Within the days that are read again, whatever time passes between two reads.
    days = st.integers(min_value=0, max_value=9)
    costs = st.decimals(min_value=0, max_value=10**7, places=2)

    def __init__(self) -> None:
        super().__init__()
        self.platform = self.vendor.api.platform
        self.accounts = [self.platform.account("EUR", zone) for zone in ("Asia/Tokyo", "America/Lima")]

    def _pick(self, number: int) -> str | None:
        keys = sorted(self.platform.records("campaigns"))
        return keys[number % len(keys)] if keys else None

    @rule(number=numbers, name=st.text(alphabet="abcé漢", min_size=1, max_size=8))
    def a_campaign(self, number: int, name: str) -> None:
        self.platform.campaign(self.accounts[number % 2], name)

    @rule(number=numbers, name=st.text(alphabet="xyz", min_size=1, max_size=8))
    def a_campaign_is_renamed(self, number: int, name: str) -> None:
        if key := self._pick(number):
            self.platform.change(key, name=name)

    @rule(number=numbers)
    def a_campaign_is_removed(self, number: int) -> None:
        if key := self._pick(number):
            self.platform.remove(key)

    @rule(number=numbers, days=days, cost=costs)
    def a_day_is_booked(self, number: int, days: int, cost: Decimal) -> None:
        if key := self._pick(number):
            today = self.platform.today(self.platform.records("campaigns")[key]["account"])
            self.platform.book(key, today - timedelta(days=days), cost)

    @rule(number=numbers, days=days)
    def a_day_is_credited(self, number: int, days: int) -> None:
        if key := self._pick(number):
            today = self.platform.today(self.platform.records("campaigns")[key]["account"])
            self.platform.unbook(key, today - timedelta(days=days))

    def compare(self) -> None:
        campaigns = self.platform.records("campaigns")
        live = {key: {"name": row["name"]} for key, row in campaigns.items() if not row["is_removed"]}
        _same(self.vendor.entry("campaigns"), live)
        days = {
            f"{campaigns[row['campaign']]['account']}/{row['campaign']}/{row['day']}": {
                "amount": Decimal(row["cost"]),
                "currency_code": "EUR",
            }
            for row in self.platform.records("days").values()
        }
        _same(self.vendor.entry("spend"), days)


class GoogleAds(_Advertising):
    kind = "google_ads"


class MetaAds(_Advertising):
    kind = "meta_ads"


class LinkedinAds(_Advertising):
    kind = "linkedin_ads"


class Mailshake(_Life):
    """A team with campaigns, recipients and what they do."""

    kind = "mailshake"
    numbers = st.integers(min_value=0, max_value=99)

    def __init__(self) -> None:
        super().__init__()
        self.team = self.vendor.api.team
        self.team.campaign("First")

    def _pick(self, name: str, number: int) -> str | None:
        keys = sorted(self.team.records(name))
        return keys[number % len(keys)] if keys else None

    @rule(title=st.text(alphabet="abcé漢", min_size=1, max_size=8))
    def a_campaign(self, title: str) -> None:
        self.team.campaign(title)

    @rule(number=numbers, company=st.text(alphabet="xyz", min_size=1, max_size=8))
    def a_recipient(self, number: int, company: str) -> None:
        if key := self._pick("campaigns", number):
            self.team.recipient(key, f"{company}{number}@b.test", "A B", company=company)

    @rule(number=numbers, title=st.text(alphabet="xyz", min_size=1, max_size=8))
    def a_campaign_is_renamed(self, number: int, title: str) -> None:
        if key := self._pick("campaigns", number):
            self.team.update("campaigns", key, title=title)

    @rule(number=numbers, by_hand=st.booleans())
    def an_e_mail(self, number: int, by_hand: bool) -> None:
        if key := self._pick("recipients", number):
            self.team.send(key, "x@team.test", by_hand=by_hand)

    @rule(number=numbers, kind=st.sampled_from(["open", "click", "reply", "bounce", "unsubscribe"]))
    def an_answer(self, number: int, kind: str) -> None:
        if key := self._pick("sent", number):
            if kind == "open":
                self.team.open(key)
            elif kind == "click":
                self.team.click(key, "https://team.test")
            else:
                self.team.reply(key, kind)

    @rule(number=numbers, name=st.sampled_from(["campaigns", "recipients", "sent"]))
    def one_is_deleted(self, number: int, name: str) -> None:
        if key := self._pick(name, number):
            self.team.delete(name, key)

    def compare(self) -> None:
        campaigns = self.team.records("campaigns")
        _same(self.vendor.entry("campaigns"), {key: {"name": row["title"]} for key, row in campaigns.items()})
        people = {
            key: {"email": row["emailAddress"], "company_name": row["fields"]["company"]}
            for key, row in self.team.records("recipients").items()
        }
        _same(self.vendor.entry("people"), people)
        raw = {"sent": "sent_message", "opens": "open", "clicks": "click", "replies": "reply"}
        touches = {
            f"{one}:{key}": {"person_source_id": row["_recipient"], "campaign_source_id": row["_campaign"]}
            for table, one in raw.items()
            for key, row in self.team.records(table).items()
            if not row.get("isDuplicate")
        }
        _same(self.vendor.entry("touches"), touches)


class Jira(_Life):
    """A site with issues that are moved, given to people and deleted."""

    kind = "jira"
    numbers = st.integers(min_value=0, max_value=99)

    def __init__(self) -> None:
        super().__init__()
        self.site = self.vendor.api.site
        self.users = [self.site.user("Ana"), self.site.user("Bo")]

    def _pick(self, number: int) -> str | None:
        keys = sorted(self.site.records("issues"))
        return keys[number % len(keys)] if keys else None

    @rule(name=st.text(alphabet="abcé漢", min_size=1, max_size=8), number=numbers)
    def an_issue(self, name: str, number: int) -> None:
        self.site.issue(("Website", "Events")[number % 2], name)

    @rule(number=numbers, name=st.text(alphabet="xyz", min_size=1, max_size=8))
    def an_issue_changes(self, number: int, name: str) -> None:
        if key := self._pick(number):
            self.site.update(key, summary=name)

    @rule(number=numbers, status=st.sampled_from(["To Do", "In Progress", "Done"]))
    def an_issue_is_moved(self, number: int, status: str) -> None:
        if key := self._pick(number):
            self.site.move(key, status)

    @rule(number=numbers, nobody=st.booleans())
    def an_issue_is_assigned(self, number: int, nobody: bool) -> None:
        if key := self._pick(number):
            self.site.assign(key, None if nobody else self.users[number % 2])

    @rule(number=numbers)
    def an_issue_is_deleted(self, number: int) -> None:
        if key := self._pick(number):
            self.site.delete(key)

    def compare(self) -> None:
        tasks = {
            key: {
                "name": row["fields"]["summary"],
                "status": row["fields"]["status"]["name"],
                "assignee_source_id": (row["fields"]["assignee"] or {}).get("accountId"),
                "done_at": self._done(key, row["fields"]["status"]),
            }
            for key, row in self.site.records("issues").items()
        }
        _same(self.vendor.entry("tasks"), tasks)

    def _done(self, key: str, status: dict[str, Any]) -> datetime | None:
        moved = [
            change["created"]
            for change in self.site.records("history").values()
            if change["_issue"] == key and any(item["to"] == status["id"] for item in change["items"])
        ]
        if status["statusCategory"]["key"] != "done":
            return None
        return datetime(1970, 1, 1) + timedelta(milliseconds=max(moved))


class Zendesk(_Life):
    """An account with tickets, users and organizations; what is deleted stays in its export."""

    kind = "zendesk"
    numbers = st.integers(min_value=0, max_value=99)

    def __init__(self) -> None:
        super().__init__()
        self.account = self.vendor.api.account

    def _pick(self, name: str, number: int, *, deleted: bool = False) -> str | None:
        keys = [key for key, row in self.account.records(name).items() if _is_deleted(name, row) == deleted]
        return keys[number % len(keys)] if keys else None

    @rule(
        name=st.text(alphabet="abcé漢", min_size=1, max_size=8),
        which=st.sampled_from(["users", "organizations"]),
    )
    def somebody_new(self, name: str, which: str) -> None:
        self.account.create(which, name=name)

    @rule(number=numbers)
    def a_ticket(self, number: int) -> None:
        asker = self._pick("users", number)
        self.account.create("tickets", requester_id=int(asker) if asker else None)

    @rule(number=numbers, what=st.sampled_from(["reply", "solve", "reopen"]))
    def a_ticket_goes_on(self, number: int, what: str) -> None:
        if key := self._pick("tickets", number):
            getattr(self.account, what)(key)

    @rule(number=numbers, silently=st.booleans(), priority=st.sampled_from(["low", "urgent"]))
    def a_ticket_changes(self, number: int, silently: bool, priority: str) -> None:
        if key := self._pick("tickets", number):
            self.account.update("tickets", key, silently=silently, priority=priority)

    @rule(number=numbers, name=st.sampled_from(["tickets", "users", "organizations"]))
    def one_is_deleted(self, number: int, name: str) -> None:
        if key := self._pick(name, number):
            self.account.delete(name, key)

    @rule(number=numbers)
    def a_ticket_is_restored(self, number: int) -> None:
        if key := self._pick("tickets", number, deleted=True):
            self.account.restore(key)

    def compare(self) -> None:
        # An export may not begin within the last minute, but ends now.
        records = self.account.records
        live = {
            name: {key: row for key, row in records(name).items() if not _is_deleted(name, row)}
            for name in ("tickets", "users", "organizations")
        }
        for entity, name, column in (("people", "users", "full_name"), ("accounts", "organizations", "name")):
            self.same(entity, {key: {column: row["name"]} for key, row in live[name].items()})
        self.same(
            "tickets",
            {
                key: {
                    "status": row["status"],
                    "priority": row.get("priority"),
                    "reopened_count": row["_metrics"]["reopens"],
                }
                for key, row in live["tickets"].items()
            },
        )


def _is_deleted(name: str, record: dict[str, Any]) -> bool:
    """Whether Zendesk shows a record as deleted."""
    if name == "users":
        return not record["active"]
    return bool(record["deleted_at"] if name == "organizations" else record["status"] == "deleted")


class Intercom(_Life):
    """A workspace with contacts, companies and conversations; what is deleted leaves no trace."""

    kind = "intercom"
    settles = timedelta(days=7)
    numbers = st.integers(min_value=0, max_value=99)

    def __init__(self) -> None:
        super().__init__()
        self.workspace = self.vendor.api.workspace

    def _pick(self, name: str, number: int) -> str | None:
        keys = sorted(self.workspace.records(name))
        return keys[number % len(keys)] if keys else None

    @rule(
        name=st.text(alphabet="abcé漢", min_size=1, max_size=8),
        which=st.sampled_from(["contacts", "companies"]),
    )
    def somebody_new(self, name: str, which: str) -> None:
        self.workspace.create(which, name=name)

    @rule(number=numbers, name=st.text(alphabet="xyz", min_size=1, max_size=8))
    def a_contact_changes(self, number: int, name: str) -> None:
        if key := self._pick("contacts", number):
            self.workspace.update("contacts", key, name=name)

    @rule(number=numbers)
    def a_question(self, number: int) -> None:
        if key := self._pick("contacts", number):
            self.workspace.ask(key)

    @rule(number=numbers, what=st.sampled_from(["reply", "close", "reopen"]))
    def a_conversation_goes_on(self, number: int, what: str) -> None:
        if key := self._pick("conversations", number):
            getattr(self.workspace, what)(key)

    @rule(number=numbers, rating=st.integers(min_value=1, max_value=5))
    def a_conversation_is_rated(self, number: int, rating: int) -> None:
        if key := self._pick("conversations", number):
            self.workspace.rate(key, rating)

    @rule(number=numbers, name=st.sampled_from(["contacts", "companies", "conversations"]))
    def one_is_deleted(self, number: int, name: str) -> None:
        if key := self._pick(name, number):
            self.workspace.delete(name, key)
            if name == "contacts":
                self.unsettled.add(("people", key))
            if name == "conversations":
                self.unsettled |= {("tickets", f"conversation:{key}"), ("surveys", f"conversation:{key}")}

    @rule(one=numbers, other=numbers)
    def two_contacts_are_merged(self, one: int, other: int) -> None:
        user, lead = self._pick("contacts", one), self._pick("contacts", other)
        if user and lead and user != lead:
            asked = [
                key for key, row in self.workspace.records("conversations").items() if _asker(row) == lead
            ]
            self.workspace.merge(user, lead)
            self.unsettled |= {("people", lead), *(("tickets", f"conversation:{key}") for key in asked)}

    def compare(self) -> None:
        workspace = self.workspace
        for entity, name, column in (("people", "contacts", "full_name"), ("accounts", "companies", "name")):
            self.same(entity, {key: {column: row["name"]} for key, row in workspace.records(name).items()})
        asked = {f"conversation:{key}": row for key, row in workspace.records("conversations").items()}
        self.same(
            "tickets",
            {
                key: {
                    "status": row["state"],
                    "person_source_id": _asker(row),
                    "reopened_count": row["statistics"]["count_reopens"],
                }
                for key, row in asked.items()
            },
        )
        rated = {key: row["conversation_rating"] for key, row in asked.items() if row["conversation_rating"]}
        self.same("surveys", {key: {"score": (row["rating"] - 1) / 4} for key, row in rated.items()})


def _asker(conversation: dict[str, Any]) -> str:
    return str(conversation["contacts"]["contacts"][0]["id"])


class Asana(_Life):
    """A workspace with projects and tasks that are moved, done and deleted."""

    kind = "asana"
    numbers = st.integers(min_value=0, max_value=99)

    def __init__(self) -> None:
        super().__init__()
        self.board = self.vendor.api.board
        self.projects = [self.board.project(name) for name in ("Website", "Events")]

    def _pick(self, number: int) -> str | None:
        keys = sorted(self.board.records("tasks"))
        return keys[number % len(keys)] if keys else None

    @rule(name=st.text(alphabet="abcé漢", min_size=1, max_size=8), number=numbers)
    def a_task(self, name: str, number: int) -> None:
        self.board.task(self.projects[number % 2], name)

    @rule(number=numbers, name=st.text(alphabet="xyz", min_size=1, max_size=8))
    def a_task_changes(self, number: int, name: str) -> None:
        if key := self._pick(number):
            self.board.update(key, name=name)

    @rule(number=numbers, done=st.booleans())
    def a_task_is_done_or_not(self, number: int, done: bool) -> None:
        if key := self._pick(number):
            (self.board.complete if done else self.board.reopen)(key)

    @rule(number=numbers, places=st.sampled_from([(0,), (1,), (0, 1)]))
    def a_task_is_moved(self, number: int, places: tuple[int, ...]) -> None:
        if key := self._pick(number):
            self.board.place(key, *(self.projects[place] for place in places))

    @rule(number=numbers)
    def a_task_is_deleted(self, number: int) -> None:
        if key := self._pick(number):
            self.board.delete("tasks", key)

    def compare(self) -> None:
        projects = {key: row["name"] for key, row in self.board.records("projects").items()}
        tasks = {
            key: {
                "name": row["name"],
                "project": projects[min(row["_projects"])],
                "status": "completed" if row["completed"] else "open",
            }
            for key, row in self.board.records("tasks").items()
        }
        _same(self.vendor.entry("tasks"), tasks)


@contextmanager
def _scripts(steps: int) -> Iterator[settings]:
    yield settings(
        max_examples=SCRIPTS,
        stateful_step_count=steps,
        deadline=None,
        derandomize=SCRIPTS < 100,
        suppress_health_check=list(HealthCheck),
        # Making a failing script shorter reads the vendor hundreds of times more.
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )


@pytest.mark.parametrize(
    "machine",
    [
        Salesforce,
        Stripe,
        Zendesk,
        Chargebee,
        GoogleAds,
        MetaAds,
        LinkedinAds,
        Mailshake,
        Pipedrive,
        Jira,
        Intercom,
        Asana,
    ],
)
def test_entry_equals_what_the_vendor_holds_after_any_life(machine: type[_Life]) -> None:
    with _scripts(steps=20) as chosen:
        run_state_machine_as_test(machine, settings=chosen)
