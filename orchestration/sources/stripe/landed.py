"""Stripe as Fivetran and Airbyte land it, read as the records of its API."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from orchestration.sources.landed.schema import LandedSchema, nested
from orchestration.sources.landed.tables import Fields, LandedTable, Record
from orchestration.sources.stripe.extract import customer, invoice, snapshots, times


def _seconds(value: object) -> int | None:
    """A time as the API gives it: seconds since 1970. Fivetran makes timestamps of them."""
    if value is None or isinstance(value, int | float):
        return None if value is None else int(value)
    text = str(value)
    if text.isdigit():
        return int(text)
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


_TIMES = (
    "created", "updated", "due_date", "period_start", "period_end", "start_date", "cancel_at", "ended_at",
    "start", "end", "canceled_at", "trial_start", "trial_end", "current_period_start", "current_period_end",
)  # fmt: skip


def _record(fields: Fields) -> Record:
    found: Record = {name: nested(value) for name, value in fields.items()}
    return found | {name: _seconds(found[name]) for name in _TIMES if name in found}


def _customers(fields: Fields, gone: bool) -> Iterator[Record]:
    record = _record(fields)
    if not gone and str(record.pop("is_deleted", False)).casefold() != "true":
        if "address" not in record:
            parts = {"line1": "line_1", "city": "city", "state": "state", "country": "country"}
            parts["postal_code"] = "postal_code"
            record["address"] = {to: record.pop(f"address_{of}", None) for to, of in parts.items()}
        yield customer(record)


def _products(fields: Fields, gone: bool) -> Iterator[Record]:
    record = _record(fields)
    if not gone and str(record.pop("is_deleted", False)).casefold() != "true":
        yield times(record, "created", "updated")


def _invoices(fields: Fields, gone: bool) -> Iterator[Record]:
    record = _record(fields)
    if not gone and str(record.pop("is_deleted", False)).casefold() != "true":
        names = ("finalized_at", "paid_at")
        changes = record.get("status_transitions") or {
            name: _seconds(record.get(f"status_transitions_{name}")) for name in names
        }
        yield invoice(
            record
            | {
                "customer": fields.first("customer", "customer_id"),
                "subscription": fields.first("subscription", "subscription_id"),
                "status_transitions": changes,
            }
        )


def _subscriptions(fields: Fields, gone: bool) -> Iterator[Record]:
    """Airbyte: a subscription with its items in a list."""
    record = _record(fields)
    seen_at = str(record.pop("_airbyte_extracted_at", None) or "1970-01-01")
    for name in ("_airbyte_raw_id", "_airbyte_meta", "_airbyte_generation_id"):
        record.pop(name, None)
    yield from snapshots({**record, "_seen_at": seen_at})


def _items(fields: Fields, gone: bool) -> Iterator[Record]:
    """Fivetran: an item joined with its subscription, its price and the discount of the subscription."""
    get = fields.get
    if gone or get("customer_id") is None:
        return
    price: dict[str, Any] = {
        "id": fields.first("price_id", "plan_id"),
        "product": get("price_product"),
        "nickname": get("price_nickname"),
        "currency": get("price_currency"),
        "unit_amount": get("price_amount"),
        "interval": get("price_interval"),
        "interval_count": get("price_interval_count"),
        "usage_type": get("price_usage_type"),
    }
    discount = None
    if get("percent_off") is not None or get("amount_off") is not None:
        coupon = {
            "percent_off": get("percent_off"),
            "amount_off": get("amount_off"),
            "currency": price["currency"],
        }
        discount = {"coupon": coupon, "end": _seconds(get("discount_end"))}
    times_of = ("created", "start_date", "cancel_at", "ended_at")
    yield from snapshots(
        {
            "id": get("subscription_id"),
            "customer": get("customer_id"),
            "status": get("status"),
            "metadata": nested(get("subscription_metadata")),
            "discount": discount,
            "items": {
                "data": [
                    {
                        "id": get("id"),
                        "created": _seconds(get("created")),
                        "quantity": get("quantity"),
                        "price": price,
                    }
                ]
            },
            **{name: _seconds(get(f"subscription_{name}")) for name in times_of},
            "_seen_at": str(get("seen_at")),
        }
    )


def _with_subscription(schema: LandedSchema, latest: str) -> str:
    of_subscription = schema.tables.get("subscription", {})
    history = "subscription" if of_subscription else "subscription_history"
    if history not in schema.tables:
        return latest
    there = schema.tables[history]
    columns = [f"subscription.{name} as subscription_{name}" for name in
               ("created", "start_date", "cancel_at", "ended_at", "metadata") if name in there]  # fmt: skip
    columns += [f"subscription.{name}" for name in ("customer_id", "status") if name in there]
    current = " where cast(_fivetran_active as boolean)" if "_fivetran_active" in there else ""
    joins = (
        f" join (select * from {schema.relation(history)} as every{current}) as subscription"
        " on subscription.id = item.subscription_id"
    )
    price, key, amount, recurring = (
        ("price", "price_id", "unit_amount", "recurring_")
        if "price" in schema.tables and "price_id" in schema.tables["subscription_item"]
        else ("plan", "plan_id", "amount", "")
    )
    if price in schema.tables:
        named = {
            "product": "product_id",
            "nickname": "nickname",
            "currency": "currency",
            "amount": amount,
            **{name: f"{recurring}{name}" for name in ("interval", "interval_count", "usage_type")},
        }
        there = schema.tables[price]
        columns += [f'price."{of}" as price_{to}' for to, of in named.items() if of in there]
        joins += f" left join {schema.relation(price)} as price on price.id = item.{key}"
    if {"subscription_discount", "coupon"} <= schema.tables.keys():
        columns += ["coupon.percent_off", "coupon.amount_off", "discount.discount_end"]
        joins += (
            ' left join (select subscription_id, max(coupon_id) as coupon_id, max("end") as discount_end'
            f" from {schema.relation('subscription_discount')} as discounts"
            " where subscription_id is not null group by subscription_id) as discount"
            " on discount.subscription_id = item.subscription_id"
            f" left join {schema.relation('coupon')} as coupon on coupon.id = discount.coupon_id"
        )
    seen = "subscription._fivetran_synced" if "_fivetran_synced" in schema.tables[history] else "item.created"
    return f"select item.*, {', '.join(columns)}, {seen} as seen_at from ({latest}) as item{joins}"


LANDED = (
    LandedTable(
        raw="customer",
        records=_customers,
        fivetran="customer",
        airbyte="customers",
        objects=("address", "metadata", "shipping", "invoice_settings"),
    ),
    LandedTable(
        raw="product", records=_products, fivetran="product", airbyte="products", objects=("metadata",)
    ),
    LandedTable(
        raw="invoice",
        records=_invoices,
        fivetran="invoice",
        airbyte="invoices",
        objects=("status_transitions", "total_taxes", "parent", "metadata"),
    ),
    LandedTable(
        raw="subscription_snapshot",
        records=_items,
        fivetran="subscription_item",
        joined=_with_subscription,
    ),
    LandedTable(
        raw="subscription_snapshot",
        records=_subscriptions,
        airbyte="subscriptions",
        objects=("items", "discount", "discounts", "metadata", "cancellation_details", "pause_collection"),
        versions=True,
    ),
)
