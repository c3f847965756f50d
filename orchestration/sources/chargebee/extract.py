"""Reads a Chargebee site: of every resource what changed, deleted records among it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any, ClassVar

from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from requests.auth import HTTPBasicAuth

from orchestration.sources.api.billing import major_units, moment
from orchestration.sources.api.client import Client, Limits, Record
from orchestration.sources.api.connector import Connector, Table, Window, flat
from orchestration.sources.chargebee.tables import TABLES
from orchestration.vendor_settings import Chargebee

_PAGE = 100
_TIMES = (
    "created_at",
    "updated_at",
    "date",
    "due_date",
    "paid_at",
    "voided_at",
    "generated_at",
    "refunded_at",
)
_AMOUNTS = ("total", "tax", "sub_total", "amount_paid", "amount_due", "amount_refunded", "amount_allocated")
# Lists inside a document, each of any length; their sums are fields of their own.
_LISTS = (
    "line_items", "line_item_discounts", "line_item_taxes", "line_item_tiers", "discounts", "taxes",
    "linked_payments", "applied_credits", "adjustment_credit_notes", "issued_credit_notes", "linked_orders",
    "dunning_attempts", "linked_refunds", "allocations", "notes",
)  # fmt: skip
_HISTORY = [
    f"subscription_{what}"
    for what in (
        "created", "created_with_backdating", "started", "activated", "activated_with_backdating", "changed",
        "changed_with_backdating", "renewed", "cancelled", "canceled_with_backdating", "reactivated",
        "reactivated_with_backdating", "paused", "resumed", "cancellation_scheduled",
        "scheduled_cancellation_removed", "trial_extended", "items_renewed",
    )
]  # fmt: skip
# In the words of the models, which are Stripe's.
_STATUS = {
    "future": "incomplete",
    "in_trial": "trialing",
    "active": "active",
    "non_renewing": "active",
    "paused": "active",
    "cancelled": "canceled",
    "transferred": "canceled",
}
_NOT_PAID = frozenset(("not_paid", "no_card"))


class ChargebeeConnector(Connector[Chargebee]):
    """One site, with one read-only key."""

    credentials: ClassVar[Mapping[str, str]] = {"api_key": "read-only API key of the site"}

    def connect(self) -> Client:
        """The client; the key is the user of basic authentication, without a password."""
        self._deleted: set[str] = set()
        self._coupons: dict[str, Record] | None = None
        return Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=140, seconds=60.0),
            auth=HTTPBasicAuth(self.secrets["api_key"], ""),
            secrets=self.secrets,
        )

    def tables(self) -> Sequence[Table]:
        """Every table of `tables.py`."""
        return TABLES

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Records changed in the window; of subscriptions also what events show of them."""
        if table.name != "subscription_snapshot":
            yield from self._listed(table.path, table.name, _changed(window))
            return
        for page in self._listed(table.path, "subscription", _changed(window)):
            self._deleted |= {record["id"] for record in page if record.get("deleted")}
            yield [self._with_coupons(record) for record in page if not record.get("deleted")]
        params = {"sort_by[asc]": "occurred_at", "event_type[in]": json.dumps(_HISTORY)}
        if window.since is not None:
            params["occurred_at[after]"] = str(_seconds(window) - 1)
        for page in self._listed("/api/v2/events", "event", params):
            shown = [event["content"]["subscription"] for event in page if "subscription" in event["content"]]
            yield [self._with_coupons(each) for each in shown if each["id"] not in self._deleted]

    def covered(self, table: Table, window: Window) -> Callable[[str], bool] | None:
        """Of a subscription that was deleted every moment is gone."""
        if table.name != "subscription_snapshot" or not self._deleted:
            return None
        return lambda key: key.split("/")[0] in self._deleted

    def rows(self, table: Table, record: Record) -> Iterable[Record]:
        """Times as times, amounts in major units; a subscription as a row per item."""
        match table.name:
            case "subscription_snapshot":
                return snapshots(record)
            case "customer":
                return (flat(_with_times(record)),)
            case "invoice" | "credit_note":
                return (document(record),)
        return (_with_times(record),)

    def probe(self, table: Table) -> None:
        """Read one record, and of what else a table takes."""
        paths = [table.path]
        if table.name == "subscription_snapshot":
            paths += ["/api/v2/events", "/api/v2/coupons"]
        for path in paths:
            self.client.get(path, {"limit": 1}, expect="list")

    def _listed(self, path: str, resource: str, params: Mapping[str, str]) -> Iterator[list[Record]]:
        """Pages of a list, whose records lie under the name of what they are."""
        pages = self.client.pages(
            path,
            {"limit": _PAGE, **params},
            items="list",
            paginator=JSONResponseCursorPaginator(cursor_path="next_offset", cursor_param="offset"),
        )
        for page in pages:
            yield [each[resource] for each in page]

    def _with_coupons(self, record: Record) -> Record:
        """A subscription with the terms of its coupons, of which it has the ids only."""
        used = [each["coupon_id"] for each in record.get("coupons") or ()]
        if used and self._coupons is None:
            pages = self._listed("/api/v2/coupons", "coupon", {"include_deleted": "true"})
            self._coupons = {coupon["id"]: coupon for page in pages for coupon in page}
        return record | {"_coupons": [(self._coupons or {}).get(key) for key in used]}


def _changed(window: Window) -> dict[str, str]:
    params = {"include_deleted": "true", "sort_by[asc]": "updated_at"}
    # Strictly after, and by the second.
    return params if window.since is None else params | {"updated_at[after]": str(_seconds(window) - 1)}


def _seconds(window: Window) -> int:
    assert window.since is not None
    return int(window.since.replace(tzinfo=UTC).timestamp())


def _with_times(record: Record) -> Record:
    return {name: moment(value) if name in _TIMES else value for name, value in record.items()}


def document(record: Record) -> Record:
    """An invoice or credit note in major units, without its lines."""
    currency = record.get("currency_code")
    rest = {name: value for name, value in record.items() if name not in _LISTS}
    return flat(_with_times(rest)) | {
        name: major_units(record[name], currency) for name in _AMOUNTS if name in record
    }


def snapshots(record: Record) -> Iterator[Record]:
    """A row per item of the subscription as it was when it changed."""
    seen_at = moment(record.get("updated_at") or record.get("created_at"))
    assert seen_at is not None
    currency, status = record.get("currency_code"), record["status"]
    own = {name: value for name, value in record.items() if name.startswith("cf_") or name == "meta_data"}
    for number, item in enumerate(record.get("subscription_items") or ()):
        kind, price = item.get("item_type", "plan"), item["item_price_id"]
        # A subscription has one plan, whichever price it is at.
        key = f"{record['id']}/{'plan' if kind == 'plan' else price}"
        quantity = item.get("quantity")
        amount = item.get("amount")
        if amount is None:
            amount = Decimal(str(item.get("unit_price") or 0)) * (1 if quantity is None else quantity)
        unit = item.get("billing_period_unit") or record.get("billing_period_unit")
        yield {
            "id": f"{key}/{seen_at:%Y%m%dT%H%M%S}",
            "subscription": record["id"],
            "item": key,
            "customer": record.get("customer_id"),
            "seen_at": seen_at,
            "status": _STATUS.get(status, status),
            "is_paused": status == "paused",
            "start_date": moment(record.get("started_at") or record.get("created_at")),
            "item_created": None,
            "cancel_at": moment(record.get("cancelled_at")) if status == "non_renewing" else None,
            "ended_at": moment(record.get("cancelled_at"))
            if status in ("cancelled", "transferred")
            else None,
            "cancellation_reason": "payment_failed" if record.get("cancel_reason") in _NOT_PAID else None,
            "product": price,
            "plan": price,
            "usage_type": "metered" if item.get("metered_quantity") is not None else "licensed",
            "interval": None if kind == "charge" else unit,
            "interval_count": item.get("billing_period") or record.get("billing_period"),
            "quantity": quantity,
            "amount": major_units(amount, currency),
            "currency": currency,
            **_discount(record, price, first=number == 0),
            **own,
        }


def _discount(record: Record, price: str, *, first: bool) -> Record:
    """What is taken off an item: its own discount, else that of the whole invoice, which counts once if it is
    an amount. Manual discounts come before coupons.
    """
    found = [*map(_manual, record.get("discounts") or ())]
    tills = [each.get("apply_till") for each in record.get("coupons") or ()]
    found += [
        _coupon(coupon, till)
        for coupon, till in zip(record.get("_coupons") or (), tills, strict=False)
        if coupon is not None
    ]
    own = [each for each in found if each["price"] == price]
    whole = [each for each in found if each["price"] is None]
    chosen: Record = next(iter(own + whole), {})
    percent, amount = chosen.get("percent"), chosen.get("amount")
    return {
        "percent_off": None if percent is None else Decimal(str(percent)) / 100,
        "amount_off": major_units(amount, record.get("currency_code")) if own or first else None,
        "discount_end": moment(chosen.get("till")),
    }


def _manual(discount: Record) -> Record:
    return {
        "percent": discount.get("percentage"),
        "amount": discount.get("amount"),
        "price": discount.get("item_price_id"),
        "till": discount.get("apply_till"),
    }


def _coupon(coupon: Record, till: Any) -> Record:
    of_one = [each for each in coupon.get("item_constraints") or () if each.get("item_price_ids")]
    prices = [price for each in of_one for price in each["item_price_ids"]]
    return {
        "percent": coupon.get("discount_percentage"),
        "amount": coupon.get("discount_amount"),
        "price": prices[0] if len(prices) == 1 else None,
        "till": till,
    }
