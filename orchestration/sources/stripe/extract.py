"""Reads a Stripe account: everything once, then the objects that events name, each as it is now."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

from orchestration.sources.api.billing import major_units, moment
from orchestration.sources.api.client import Client, Limits, NotFound, Record
from orchestration.sources.api.connector import Connector, Table, Window
from orchestration.sources.stripe.tables import TABLES, Resource
from orchestration.vendor_settings import Stripe

_PAGE = 100


class LastIdPaginator(BasePaginator):
    """The next page begins after the last object of this one."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Look whether there is more."""
        answer = response.json()
        records = answer.get("data") or []
        self._has_next_page = bool(answer.get("has_more") and records)
        self._last = records[-1]["id"] if records else None

    def update_request(self, request: Request) -> None:
        """Ask for what comes after."""
        request.params = {**(request.params or {}), "starting_after": self._last}


class StripeConnector(Connector[Stripe]):
    """One account, with one restricted key."""

    credentials: ClassVar = {"api_key": "restricted key with read permissions"}

    def connect(self) -> Client:
        """The client; the key goes along in a header."""
        self._gone: dict[str, list[str]] = {}
        return Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=20, seconds=1.0),
            headers={
                "Authorization": f"Bearer {self.secrets['api_key']}",
                "Stripe-Version": self.source.api_version,
            },
            secrets=self.secrets,
        )

    def tables(self) -> Sequence[Resource]:
        """The resources that models read."""
        return TABLES

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Every object, or those that events of the window name."""
        assert isinstance(table, Resource)
        if window.since is None or not table.events:
            yield from self._listed(table, window)
        else:
            yield from self._changed(table, window, window.since)

    def gone(self, table: Table, window: Window) -> Iterable[str]:
        """Objects that events name and that are no longer there."""
        return self._gone.get(table.name, ())

    def rows(self, table: Table, record: Record) -> Iterable[Record]:
        """Times as times, amounts in major units; a subscription as a row per item."""
        if table.name == "subscription_snapshot":
            return snapshots(record)
        if table.name == "customer":
            return (customer(record),)
        return (invoice(record),) if table.name == "invoice" else (times(record, "created", "updated"),)

    def probe(self, table: Table) -> None:
        """Read one object, and one event where there are some."""
        assert isinstance(table, Resource)
        self.client.get(table.path, {"limit": 1})
        if table.events:
            self.client.get("/v1/events", {"limit": 1, "type": f"{table.events}*"})

    def _listed(self, resource: Resource, window: Window) -> Iterator[list[Record]]:
        params: dict[str, Any] = {"limit": _PAGE, **_expanded(resource, "data.")}
        if resource.path == "/v1/subscriptions":
            params["status"] = "all"
        for page in self._pages(resource.path, params):
            yield [{**record, "_seen_at": window.until.isoformat()} for record in page]

    def _changed(self, resource: Resource, window: Window, since: datetime) -> Iterator[list[Record]]:
        """Each object once, as it is now; of subscriptions, what each event shows of them as well."""
        params = {
            "limit": _PAGE,
            "type": f"{resource.events}*",
            "created[gte]": int(since.replace(tzinfo=UTC).timestamp()),
        }
        seen: dict[str, None] = {}
        self._gone[resource.name] = gone = []
        for page in self._pages("/v1/events", params):
            for event in page:
                shown = event["data"]["object"]
                if f"{resource.path}/".endswith(f"/{shown['object']}s/"):
                    seen.setdefault(shown["id"])
            if not resource.complete:
                yield [
                    {**event["data"]["object"], "_seen_at": str(moment(event["created"]))}
                    for event in page
                    if event["data"]["object"]["id"] in seen
                ]
        for key in seen:
            try:
                record = self.client.get(f"{resource.path}/{key}", _expanded(resource, ""), expect="id")
            except NotFound:
                record = {"deleted": True}
            if record.get("deleted"):
                gone.append(key)
            else:
                yield [{**record, "_seen_at": window.until.isoformat()}]

    def _pages(self, path: str, params: dict[str, Any]) -> Iterator[list[Record]]:
        return self.client.pages(path, params, items="data", paginator=LastIdPaginator())


def _expanded(resource: Resource, where: str) -> dict[str, Any]:
    return {"expand[]": [f"{where}{each}" for each in resource.expand]} if resource.expand else {}


def times(record: Record, *names: str) -> Record:
    """The record with these fields as times, without what says nothing."""
    return {
        name: moment(value) if name in names else value
        for name, value in record.items()
        if name not in ("object", "livemode", "_seen_at")
    }


def customer(record: Record) -> Record:
    """A customer with its address beside it."""
    address = record.get("address") or {}
    rest = {name: value for name, value in record.items() if name not in ("address", "currency")}
    return times(rest, "created") | {
        **{f"address_{name}": value for name, value in address.items()},
        "currency": (record.get("currency") or "").upper() or None,
    }


def invoice(record: Record) -> Record:
    """An invoice in major units, without its lines."""
    currency = record["currency"]
    changes = record.get("status_transitions") or {}
    parent = (record.get("parent") or {}).get("subscription_details") or {}
    tax = record.get("tax")
    if tax is None:
        tax = sum(each.get("amount") or 0 for each in record.get("total_taxes") or ())
    # Its lines have an address of their own and would make a record of any length.
    rest = {name: value for name, value in record.items() if name not in ("lines", "parent")}
    return times(rest, "created", "due_date", "period_start", "period_end") | {
        "currency": currency.upper(),
        "subscription": record.get("subscription") or parent.get("subscription"),
        "finalized_at": moment(changes.get("finalized_at")),
        "paid_at": moment(changes.get("paid_at")),
        "total": major_units(record.get("total"), currency),
        "tax": major_units(tax, currency),
        **{
            name: major_units(record.get(name), currency)
            for name in ("amount_due", "amount_paid", "amount_remaining", "subtotal")
        },
    }


def snapshots(record: Record) -> Iterator[Record]:
    """A row per item of the subscription as it was seen at `_seen_at`."""
    seen_at = datetime.fromisoformat(record["_seen_at"])
    cancellation = record.get("cancellation_details") or {}
    whole = [each for each in record.get("discounts") or () if isinstance(each, dict)]
    whole = whole or [each for each in (record.get("discount"),) if each]
    for number, item in enumerate((record.get("items") or {}).get("data") or ()):
        price = item.get("price") or item.get("plan") or {}
        recurring = price.get("recurring") or price
        currency = price.get("currency") or record.get("currency")
        unit = price.get("unit_amount_decimal") or price.get("unit_amount")
        # a plan, as prices were called before
        unit = unit or price.get("amount_decimal") or price.get("amount")
        quantity = item.get("quantity")
        discount = _discount(item, whole, first=number == 0)
        yield {
            "id": f"{record['id']}/{item['id']}/{seen_at:%Y%m%dT%H%M%S}",
            "subscription": record["id"],
            "item": item["id"],
            "customer": record["customer"],
            "seen_at": seen_at,
            "status": record["status"],
            "is_paused": bool(record.get("pause_collection")),
            "created": moment(record.get("created")),
            "start_date": moment(record.get("start_date")),
            "item_created": moment(item.get("created")),
            "cancel_at": moment(record.get("cancel_at")),
            "ended_at": moment(record.get("ended_at")),
            "cancellation_reason": cancellation.get("reason"),
            "product": price.get("product"),
            "plan": price.get("nickname") or price.get("lookup_key") or price.get("id"),
            "usage_type": recurring.get("usage_type"),
            "interval": recurring.get("interval"),
            "interval_count": recurring.get("interval_count"),
            "quantity": quantity,
            "amount": major_units(Decimal(str(unit or 0)) * (1 if quantity is None else quantity), currency),
            "currency": (currency or "").upper() or None,
            **discount,
            "metadata": record.get("metadata") or None,
        }


def _discount(item: Record, whole: list[Record], *, first: bool) -> Record:
    """The item's own discount, else the subscription's; an amount off a subscription counts once."""
    own = [each for each in item.get("discounts") or () if isinstance(each, dict)]
    discount = (own or whole or [{}])[0]
    coupon = discount.get("coupon") or (discount.get("source") or {}).get("coupon") or {}
    coupon = coupon if isinstance(coupon, dict) else {}
    percent = coupon.get("percent_off")
    return {
        "percent_off": None if percent is None else Decimal(str(percent)) / 100,
        "amount_off": major_units(coupon.get("amount_off"), coupon.get("currency")) if own or first else None,
        "discount_end": moment(discount.get("end")),
    }
