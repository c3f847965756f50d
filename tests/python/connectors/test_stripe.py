"""The Stripe connector against an account whose objects the test makes by hand."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from stripe import AuthenticationError, StripeClient
from vendor import START, Vendor

from orchestration.sources.api.billing import major_units
from sandbox.vendors.faults import Fault

FIRST_DAY = START.date()


def stripe_client(key: str, address: str) -> StripeClient:
    """Stripe's own client, which knows nothing of ours."""
    return StripeClient(key, base_addresses={"api": address}, max_network_retries=0)


def periods(vendor: Vendor) -> list[tuple[Any, ...]]:
    """(first day after the start, last, status, quantity, amount, reason) of every period, in order."""
    rows = sorted(
        vendor.entry("subscription_periods").values(),
        key=lambda row: (row["subscription_id"], row["starts_on"]),
    )
    return [
        (
            (row["starts_on"] - FIRST_DAY).days,
            None if row["ends_on"] is None else (row["ends_on"] - FIRST_DAY).days,
            row["status"],
            row["quantity"],
            row["amount"],
            row["change_reason"],
        )
        for row in rows
    ]


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [(1234, "usd", "12.34"), (1234, "jpy", "1234"), (1234, "KWD", "1.234"), ("0.5", "eur", "0.005")],
)
def test_amounts_are_in_major_units(amount: Any, currency: str, expected: str) -> None:
    assert major_units(amount, currency) == Decimal(expected)


def test_customers_come_change_and_go(stripe: Vendor) -> None:
    account = stripe.api.account
    first = account.create("customers", name="Northwind", currency="usd", address={"city": "Kiel"})
    second = account.create("customers", name="Contoso", metadata={"crm": "001x"})
    assert stripe.sync()["customer"].rows_appended == 2
    assert stripe.custom("accounts", second) == {"metadata": {"crm": "001x"}}
    assert stripe.entry("accounts")[first]["city"] == "Kiel"

    stripe.paths()
    account.update("customers", first, name="Northwind Ltd")
    account.delete("customers", second)
    stripe.sync()
    assert {row["name"] for row in stripe.entry("accounts").values()} == {"Northwind Ltd"}
    assert not any(path == "/v1/customers" for path in stripe.paths()), "the feed says it all"


def test_a_subscription_becomes_a_period_for_every_change(stripe: Vendor) -> None:
    account = stripe.api.account
    customer = account.create("customers", name="Northwind")
    product = account.create("products", name="Core")
    item = account.item(product, 1050, quantity=3)
    subscription = account.subscribe(customer, item)
    stripe.sync()
    assert periods(stripe) == [(0, None, "active", 3, Decimal("31.50"), "signup")]

    stripe.pass_time(days=10)
    account.update("subscriptions", subscription, items={"data": [{**item, "quantity": 5}]})
    stripe.pass_time(days=5)
    account.update("subscriptions", subscription, status="past_due")
    stripe.sync()
    assert periods(stripe) == [
        (0, 10, "active", 3, Decimal("31.50"), "signup"),
        (10, 15, "active", 5, Decimal("52.50"), "seats"),
        (15, None, "past_due", 5, Decimal("52.50"), "other"),
    ]
    stripe.pass_time(days=5)
    ended = {"status": "canceled", "cancellation_details": {"reason": "payment_failed"}}
    account.update("subscriptions", subscription, **ended)
    stripe.sync()
    assert periods(stripe)[2:] == [
        (15, 20, "past_due", 5, Decimal("52.50"), "other"),
        (20, None, "canceled", 5, Decimal("52.50"), "cancellation_involuntary"),
    ]
    assert {row["product"] for row in stripe.entry("subscription_periods").values()} == {"Core"}


def test_an_item_that_is_taken_away_ends_and_the_other_goes_on(stripe: Vendor) -> None:
    account = stripe.api.account
    customer = account.create("customers", name="Northwind")
    one, two = (account.item(account.create("products", name=name), 100) for name in ("Core", "Insights"))
    subscription = account.subscribe(customer, one, two)
    stripe.sync()
    stripe.pass_time(days=4)
    account.update("subscriptions", subscription, items={"data": [one]})
    stripe.sync()
    ends = {row["product"]: row["ends_on"] for row in stripe.entry("subscription_periods").values()}
    assert ends == {"Core": None, "Insights": FIRST_DAY + timedelta(days=4)}


def test_a_subscription_that_ended_before_it_was_ever_read_was_in_force(stripe: Vendor) -> None:
    account = stripe.api.account
    customer = account.create("customers", name="Northwind")
    subscription = account.subscribe(customer, account.item("prod_1", 100))
    stripe.pass_time(days=60)
    ended = int((stripe.now - datetime(1970, 1, 1)).total_seconds())
    account.update("subscriptions", subscription, status="canceled", ended_at=ended)
    stripe.sync()
    assert [row[:3] for row in periods(stripe)] == [(0, 60, "active"), (60, None, "canceled")]


def test_discounts_of_a_subscription(stripe: Vendor) -> None:
    account = stripe.api.account
    customer = account.create("customers", name="Northwind")
    coupon = {"percent_off": 25, "amount_off": None}
    account.subscribe(customer, account.item("prod_1", 100))
    subscription = account.subscribe(customer, account.item("prod_1", 100))
    account.update("subscriptions", subscription, discounts=[{"id": "di_1", "coupon": coupon, "end": None}])
    stripe.sync()
    found = {
        row["subscription_id"]: row["discount_percent"]
        for row in stripe.entry("subscription_periods").values()
    }
    assert found[subscription] == 0.25 and sorted(found.values(), key=str) == [0.25, None]


def test_invoices_in_yen_and_with_tax(stripe: Vendor) -> None:
    account = stripe.api.account
    customer = account.create("customers", name="Northwind")
    yen = account.create("invoices", customer=customer, currency="jpy", total=5000, status="open")
    usd = account.create(
        "invoices",
        customer=customer,
        currency="usd",
        total=11900,
        status="draft",
        total_taxes=[{"amount": 1900}],
    )
    stripe.sync()
    account.update("invoices", usd, status="paid", status_transitions={"paid_at": 1_793_500_000})
    stripe.sync()
    found = stripe.entry("invoices")
    assert (found[yen]["amount"], found[yen]["currency_code"]) == (5000, "JPY")
    assert (found[usd]["amount"], found[usd]["tax_amount"], found[usd]["status"]) == (119, 19, "paid")
    assert found[usd]["paid_at"].date() == date(2026, 11, 1)


def test_a_feed_that_no_longer_reaches_back_is_replaced_by_the_list(stripe: Vendor) -> None:
    account = stripe.api.account
    kept, gone = (account.create("customers", name=name) for name in ("Kept", "Gone"))
    stripe.sync()
    account.delete("customers", gone)
    stripe.pass_time(days=40)
    stripe.paths()
    stripe.sync(allow_shrink=True)
    assert set(stripe.entry("accounts")) == {kept}
    assert "/v1/customers" in stripe.paths()


def test_pages_and_a_bad_day_of_the_feed(stripe: Vendor) -> None:
    account = stripe.api.account
    stripe.api.quirks.page_size = 7
    made = {account.create("customers", name=f"Company {number}") for number in range(20)}
    stripe.sync()
    made |= {account.create("customers", name=f"Later {number}") for number in range(20)}
    stripe.api.faults += [
        Fault("truncate", "/v1/events", nth=2),
        Fault("status", "/v1/customers/", status=429),
    ]
    stripe.sync()
    assert set(stripe.entry("accounts")) == made


def test_the_vendors_own_client_reads_what_the_stand_in_holds(stripe: Vendor) -> None:
    account = stripe.api.account
    customers = {account.create("customers", name=f"Company {number}") for number in range(23)}
    deleted = account.create("customers", name="Gone")
    account.delete("customers", deleted)
    sold = account.item("prod_1", 990)
    subscription = account.subscribe(sorted(customers)[0], sold)

    client = stripe_client(stripe.api.credentials["api_key"], stripe.api.base_url)
    listed = client.v1.customers.list({"limit": 10}).auto_paging_iter()
    assert {customer.id for customer in listed} == customers
    found = client.v1.subscriptions.retrieve(subscription)
    assert (found.status, found["items"]["data"][0]["price"]["unit_amount"]) == ("active", 990)
    assert client.v1.customers.retrieve(deleted).deleted is True
    events = client.v1.events.list({"type": "customer.deleted"}).data
    assert [event.data.object["id"] for event in events] == [deleted]
    with pytest.raises(AuthenticationError):
        stripe_client("rk_test_wrong", stripe.api.base_url).v1.customers.list()
