"""The billing system, shaped like Stripe's: Parquet, prefixed ids, the CRM's account id in the metadata of
most customers.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import ids, spelling
from sandbox.chance import coin
from sandbox.formats import Table, table, write_parquet
from sandbox.records import Company
from sandbox.silos import crm
from sandbox.silos.marketing import link_text
from sandbox.world import World

_MONEY = "decimal(18,4)"


def customer_id(company: Company) -> str:
    return ids.stripe("cus", company.id)


def tryout_customer_id(company: Company) -> str:
    """A customer that somebody made to try the system out."""
    return ids.stripe("cus", company.id + "test")


def customers(world: World) -> dict[str, tuple[Company, datetime]]:
    """Every company with a subscription, since its first row."""
    known: dict[str, tuple[Company, datetime]] = {}
    for period in world.periods:
        known.setdefault(period.company.id, (period.company, period.created_at))
    return known


def tryout_customers(world: World) -> list[tuple[Company, datetime]]:
    """One in fifty customers was entered twice at first; the other one is deleted and never had a
    subscription.
    """
    return [(c, at) for c, at in customers(world).values() if coin(0, "test customer", c.id) < 0.02]


def export(world: World, folder: Path) -> None:
    """Write every file of the billing system."""
    for name, (content, types) in {
        "customers": _customers(world),
        "subscription_items": _items(world),
        "invoices": _invoices(world),
        "meter_events": _usage(world),
    }.items():
        write_parquet(folder / f"{name}.parquet", content, types)


def _customers(world: World) -> tuple[Table, dict[str, str]]:
    def linked(company: Company) -> str | None:
        if spelling.missing("billing", "link", company.id, 0.25):
            return None
        return link_text({"crm": crm.account_id(company)})

    def site(company: Company) -> str | None:
        optional = linked(company) is not None and spelling.missing("billing", "site", company.id, 0.4)
        return None if optional else company.domain

    def row(company: Company, at: datetime, real: bool) -> dict[str, Any]:
        return {"company": company, "at": at, "real": real}

    rows = [row(c, at, True) for c, at in customers(world).values()]
    rows += [row(c, at, False) for c, at in tryout_customers(world)]
    content = table(
        {
            "id": lambda r: (customer_id if r["real"] else tryout_customer_id)(r["company"]),
            "name": lambda r: (
                spelling.company_name("billing", r["company"]) if r["real"] else "TEST do not use"
            ),
            "website": lambda r: site(r["company"]) if r["real"] else None,
            "address_line1": lambda r: r["company"].street if r["real"] else None,
            "address_city": lambda r: r["company"].city if r["real"] else None,
            "address_postal_code": lambda r: r["company"].postal_code if r["real"] else None,
            "address_country": lambda r: r["company"].country if r["real"] else None,
            "currency": lambda r: r["company"].currency,
            "tax_id": lambda r: r["company"].tax_id if r["real"] else None,
            "linked_ids": lambda r: linked(r["company"]) if r["real"] else None,
            "created": lambda r: r["at"],
            "deleted": lambda r: not r["real"],
            "delinquent": lambda r: False,
        },
        rows,
    )
    types = dict.fromkeys(content.columns, "varchar") | {"created": "timestamp"}
    return content, types | {"deleted": "boolean", "delinquent": "boolean"}


def _items(world: World) -> tuple[Table, dict[str, str]]:
    content = table(
        {
            "id": lambda p: ids.stripe("si", p.id),
            "subscription": lambda p: ids.stripe("sub", p.subscription_id),
            "customer": lambda p: customer_id(p.company),
            "product": lambda p: p.product,
            "plan": lambda p: p.plan,
            "type": lambda p: p.kind,
            "status": lambda p: p.status,
            "quantity": lambda p: p.quantity,
            "amount": lambda p: p.amount,
            "currency": lambda p: p.currency,
            "interval": lambda p: p.interval,
            "interval_count": lambda p: p.interval_count,
            "percent_off": lambda p: p.discount_percent,
            "amount_off": lambda p: p.discount_amount,
            "discount_end": lambda p: p.discount_ends_on,
            "start_date": lambda p: p.starts_on,
            "end_date": lambda p: p.ends_on,
            "reason": lambda p: p.reason,
            "created": lambda p: p.created_at,
            "updated": lambda p: p.updated_at,
            "deleted": lambda p: p.deleted_at is not None,
        },
        world.periods,
    )
    types = dict.fromkeys(content.columns, "varchar")
    types |= {"quantity": "integer", "interval_count": "integer", "percent_off": "decimal(6,4)"}
    types |= dict.fromkeys(("amount", "amount_off"), _MONEY)
    types |= dict.fromkeys(("discount_end", "start_date", "end_date"), "date")
    return content, types | {"created": "timestamp", "updated": "timestamp", "deleted": "boolean"}


def _invoices(world: World) -> tuple[Table, dict[str, str]]:
    content = table(
        {
            "id": lambda n: ids.stripe("in", n.id),
            "customer": lambda n: customer_id(n.company),
            "subscription": lambda n: ids.stripe("sub", n.subscription_id),
            "created": lambda n: n.issued_at,
            "updated": lambda n: n.updated_at,
            "due_date": lambda n: n.due_on,
            "paid_at": lambda n: n.paid_at,
            "amount_due": lambda n: n.amount,
            "tax": lambda n: n.tax,
            "currency": lambda n: n.currency,
            "status": lambda n: n.status,
        },
        world.invoices,
    )
    types = dict.fromkeys(content.columns, "varchar") | dict.fromkeys(("amount_due", "tax"), _MONEY)
    return content, types | dict.fromkeys(("created", "updated", "paid_at"), "timestamp") | {
        "due_date": "date"
    }


def _usage(world: World) -> tuple[Table, dict[str, str]]:
    content = table(
        {
            "id": lambda u: ids.stripe("mev", u.id),
            "customer": lambda u: customer_id(u.company),
            "day": lambda u: u.used_on,
            "event_name": lambda u: u.feature,
            "active_people": lambda u: u.active_people,
            "events": lambda u: u.events,
            "created": lambda u: datetime.combine(u.used_on, datetime.min.time()) + timedelta(hours=23),
        },
        world.usage,
    )
    types = dict.fromkeys(content.columns, "varchar") | dict.fromkeys(("active_people", "events"), "integer")
    return content, types | {"day": "date", "created": "timestamp"}
