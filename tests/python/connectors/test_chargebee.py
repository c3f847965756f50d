"""The Chargebee connector against a site whose records the test makes by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from vendor import START, Vendor

from orchestration.errors import SourceFailed
from sandbox.vendors.faults import Fault

FIRST_DAY = START.date()


def periods(vendor: Vendor) -> list[tuple[Any, ...]]:
    """(product, first day after the start, last, status, quantity, amount, reason) of every period."""
    rows = sorted(vendor.entry("subscription_periods").values(), key=lambda row: row["source_id"])
    rows.sort(key=lambda row: (row["product"], row["starts_on"]))
    return [
        (
            row["product"],
            (row["starts_on"] - FIRST_DAY).days,
            None if row["ends_on"] is None else (row["ends_on"] - FIRST_DAY).days,
            row["status"],
            row["quantity"],
            row["amount"],
            row["change_reason"],
        )
        for row in rows
    ]


@pytest.fixture
def catalog(chargebee: Vendor) -> Vendor:
    site = chargebee.api.site
    site.create("items", "core", name="Core")
    site.create("items", "help", name="Help desk")
    for price, item in (("core-usd", "core"), ("core-plus-usd", "core"), ("help-usd", "help")):
        site.create("item_prices", price, name=price.title(), item_id=item)
    return chargebee


def test_customers_come_change_and_go(chargebee: Vendor) -> None:
    site = chargebee.api.site
    address = {"city": "Kiel", "country": "DE", "zip": "24103"}
    first = site.create("customers", company="Northwind", billing_address=address, cf_segment="SMB")
    second = site.create("customers", first_name="Ana", last_name="Sol", email="ana@contoso.test")
    third = site.create("customers", email="only@fabrikam.test", vat_number="DE1")
    chargebee.sync()
    accounts = chargebee.entry("accounts")
    assert (accounts[first]["city"], accounts[first]["country_code"]) == ("Kiel", "DE")
    assert [accounts[key]["name"] for key in (first, second, third)] == [
        "Northwind", "Ana Sol", "only@fabrikam.test",
    ]  # fmt: skip
    assert chargebee.custom("accounts", first)["cf_segment"] == "SMB"

    chargebee.paths()
    site.update("customers", first, company="Northwind Ltd")
    site.delete("customers", second)
    result = chargebee.sync()["customer"]
    assert {row["name"] for row in chargebee.entry("accounts").values()} == {
        "Northwind Ltd",
        "only@fabrikam.test",
    }
    assert result.rows_appended == 2
    asked = [each for each in chargebee.api.requests if each.path == "/api/v2/customers"]
    assert [each.get("updated_at[after]") != "" for each in asked] == [True]


def test_a_subscription_becomes_a_period_for_every_change(catalog: Vendor) -> None:
    site = catalog.api.site
    subscription = site.subscribe("c1", site.item("core-usd", 1050, quantity=3))
    catalog.sync()
    assert periods(catalog) == [("Core", 0, None, "active", 3, Decimal("31.50"), "signup")]

    catalog.pass_time(days=10)
    site.update("subscriptions", subscription, subscription_items=[site.item("core-usd", 1050, quantity=5)])
    catalog.pass_time(days=5)
    plus = [site.item("core-plus-usd", 2000, quantity=5), site.item("help-usd", 500, kind="addon")]
    site.update("subscriptions", subscription, subscription_items=plus)
    catalog.pass_time(days=5)
    site.update("subscriptions", subscription, "paused", status="paused")
    catalog.sync()
    assert periods(catalog) == [
        ("Core", 0, 10, "active", 3, Decimal("31.50"), "signup"),
        ("Core", 10, 15, "active", 5, Decimal("52.50"), "seats"),
        ("Core", 15, 20, "active", 5, 100, "tier"),
        ("Core", 20, None, "paused", 5, 100, "pause"),
        ("Help desk", 15, 20, "active", 1, 5, "signup"),
        ("Help desk", 20, None, "paused", 1, 5, "pause"),
    ]
    catalog.pass_time(days=5)
    site.cancel(subscription, "not_paid")
    catalog.sync()
    assert [row[3:] for row in periods(catalog) if row[2] is None and row[0] == "Core"] == [
        ("canceled", 5, 100, "cancellation_involuntary")
    ]


def test_history_from_before_the_first_read_is_that_of_the_events(catalog: Vendor) -> None:
    site = catalog.api.site
    subscription = site.subscribe("c1", site.item("core-usd", 1000))
    catalog.pass_time(days=30)
    site.update("subscriptions", subscription, subscription_items=[site.item("core-usd", 1500)])
    catalog.pass_time(days=30)
    site.update("subscriptions", subscription, status="non_renewing", cancelled_at=site.now() + 86400 * 10)
    catalog.sync()
    assert [row[1:3] + row[5:] for row in periods(catalog)] == [
        (0, 30, 10, "signup"),
        (30, 60, 15, "price_uplift"),
        (60, 70, 15, "other"),
    ]


def test_a_deleted_subscription_is_flagged_with_all_its_history(catalog: Vendor) -> None:
    site = catalog.api.site
    kept, gone = (site.subscribe("c1", site.item("core-usd", 1000)) for _ in range(2))
    catalog.sync()
    catalog.pass_time(days=3)
    site.update("subscriptions", gone, subscription_items=[site.item("core-usd", 1000, 2)])
    site.delete("subscriptions", gone)
    catalog.sync(allow_shrink=True)
    assert {row["subscription_id"] for row in catalog.entry("subscription_periods").values()} == {kept}
    catalog.sync(allow_shrink=True, full_refresh=True)
    assert {row["subscription_id"] for row in catalog.entry("subscription_periods").values()} == {kept}


def test_discounts_by_hand_and_by_coupon(catalog: Vendor) -> None:
    site = catalog.api.site
    site.create("coupons", "TEN", discount_percentage=10.0, apply_on="invoice_amount")
    till = site.now() + 86400 * 90
    items = [site.item("core-usd", 1000), site.item("help-usd", 500, kind="addon")]
    coupon = site.subscribe("c1", *items, coupons=[{"coupon_id": "TEN", "apply_till": till}])
    manual = site.subscribe("c1", *items, discounts=[{"amount": 300, "apply_on": "invoice_amount"}])
    own = site.subscribe("c1", *items, discounts=[{"percentage": 50, "item_price_id": "help-usd"}])
    catalog.sync()
    found = {
        (row["subscription_id"], row["product"]): (row["discount_percent"], row["discount_amount"])
        for row in catalog.entry("subscription_periods").values()
    }
    assert [found[coupon, name] for name in ("Core", "Help desk")] == [(0.1, None), (0.1, None)]
    assert [found[manual, name] for name in ("Core", "Help desk")] == [(None, 3), (None, None)]
    assert [found[own, name] for name in ("Core", "Help desk")] == [(None, None), (0.5, None)]
    ends = {row["discount_ends_on"] for row in catalog.entry("subscription_periods").values()}
    assert ends == {None, FIRST_DAY + timedelta(days=90)}


def test_invoices_and_credit_notes_in_major_units(chargebee: Vendor) -> None:
    site = chargebee.api.site
    euro = site.create(
        "invoices", "INV-1", customer_id="c1", currency_code="EUR", total=11900, tax=1900, status="posted"
    )
    yen = site.create(
        "invoices", "INV-2", customer_id="c1", currency_code="JPY", total=5000, status="not_paid"
    )
    note = site.create(
        "credit_notes", "INV-1", customer_id="c1", currency_code="EUR", total=2000, status="refunded"
    )
    chargebee.sync()
    site.update("invoices", euro, status="paid", paid_at=site.now(), line_items=[{"amount": 1}] * 3)
    site.delete("invoices", yen)
    chargebee.sync()
    found = chargebee.entry("invoices")
    assert set(found) == {euro, f"credit note {note}"}
    paid = found[euro]
    assert (paid["amount"], paid["tax_amount"], paid["status"], paid["currency_code"]) == (
        119,
        19,
        "paid",
        "EUR",
    )
    assert (found[f"credit note {note}"]["amount"], found[f"credit note {note}"]["status"]) == (
        -20,
        "refunded",
    )
    assert "line_items" not in chargebee.custom("invoices", euro)


def test_what_a_list_shows_late_arrives(chargebee: Vendor) -> None:
    site = chargebee.api.site
    site.create("customers", company="Early")
    chargebee.api.quirks.lag_seconds = 300
    chargebee.sync()
    chargebee.pass_time(seconds=-100)
    site.create("customers", company="Late")
    chargebee.pass_time(seconds=50)
    chargebee.sync()
    assert {row["name"] for row in chargebee.entry("accounts").values()} == {"Early", "Late"}


def test_pages_and_a_bad_day(chargebee: Vendor) -> None:
    site = chargebee.api.site
    quirks = chargebee.api.quirks
    quirks.page_size, quirks.duplicates, quirks.unordered = 4, True, True
    made = {site.create("customers", company=f"Company {number}") for number in range(15)}
    limit = Fault("status", "/customers", status=429, headers={"Retry-After": "17"})
    chargebee.api.faults += [Fault("truncate", "/customers", nth=2), limit]
    chargebee.sync()
    assert set(chargebee.entry("accounts")) == made and 17 in chargebee.waits


def test_check_names_what_is_missing(chargebee: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(chargebee.check()) == 6
    chargebee.api.hidden |= {"events", "invoices"}
    with pytest.raises(
        SourceFailed,
        match="lacks read access to subscriptions, coupons and events, read access to invoices; grant",
    ):
        chargebee.check()
    monkeypatch.setenv("REVOPS_CRM_API_KEY", "wrong-canary")
    with pytest.raises(SourceFailed, match="does not take the credentials") as failure:
        chargebee.check()
    assert "wrong-canary" not in str(failure.value)
