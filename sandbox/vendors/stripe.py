"""Stripe's API over the objects of one account: lists newest first, single objects, the feed of events."""

import copy
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sandbox import ids
from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

_MAX_PAGE = 100
_DEFAULT_PAGE = 10
_EVENTS_KEPT = timedelta(days=30)
_PREFIXES = {
    "customers": "cus",
    "products": "prod",
    "subscriptions": "sub",
    "invoices": "in",
    "events": "evt",
}
_EVENT_WORDS = {"subscriptions": "customer.subscription"}
_HIDDEN_UNLESS_EXPANDED = {"discounts"}


class Account:
    """The objects of an account and what happens to them; every change leaves an event."""

    def __init__(self, stand_in: "StripeStandIn") -> None:
        self._stand_in = stand_in
        self._made = 0

    def objects(self, resource: str) -> dict[str, Record]:
        """The objects of a resource by id."""
        return self._stand_in.store.table(resource)

    def create(self, resource: str, **fields: Any) -> str:
        """A new object; returns its id."""
        self._made += 1
        key = ids.stripe(_PREFIXES[resource], f"{resource} {self._made}")
        record = {"id": key, "object": resource.removesuffix("s"), "created": self._now(), **fields}
        self.objects(resource)[key] = record
        self._happened(resource, "created", record)
        return key

    def update(self, resource: str, key: str, **fields: Any) -> None:
        """Change fields."""
        record = self.objects(resource)[key]
        record |= fields
        self._happened(resource, "updated", record)

    def delete(self, resource: str, key: str) -> None:
        """The object leaves its list; asked for by id it says that it was deleted."""
        record = self.objects(resource).pop(key)
        self._stand_in.store.table("_deleted")[key] = {"id": key, "object": record["object"], "deleted": True}
        self._happened(resource, "deleted", record)

    def subscribe(self, customer: str, *items: Record, **fields: Any) -> str:
        """A subscription that is active from now on."""
        now = self._now()
        return self.create(
            "subscriptions",
            customer=customer,
            status="active",
            start_date=now,
            items={"object": "list", "data": list(items)},
            discounts=[],
            **fields,
        )

    def item(self, product: str, amount: int, quantity: int = 1, **price: Any) -> Record:
        """An item of a subscription: `amount` in the smallest unit per unit and billing period."""
        self._made += 1
        recurring = {
            "interval": price.pop("interval", "month"),
            "interval_count": 1,
            "usage_type": "licensed",
        }
        return {
            "id": ids.stripe("si", str(self._made)),
            "object": "subscription_item",
            "created": self._now(),
            "quantity": quantity,
            "price": {
                "id": ids.stripe("price", f"{product} {amount}"),
                "product": product,
                "unit_amount": amount,
                "unit_amount_decimal": str(amount),
                "currency": "usd",
                "nickname": "Standard",
                "recurring": recurring,
                **price,
            },
        }

    def _happened(self, resource: str, what: str, record: Record) -> None:
        self._made += 1
        word = _EVENT_WORDS.get(resource, resource.removesuffix("s"))
        key = ids.stripe("evt", str(self._made))
        self._stand_in.store.table("events")[key] = {
            "id": key,
            "object": "event",
            "type": f"{word}.{what}",
            "created": self._now(),
            "data": {"object": _shown(copy.deepcopy(record), [])},
        }

    def _now(self) -> int:
        return _seconds(self._stand_in.clock())


class StripeStandIn(StandIn):
    """One account in test mode."""

    kind: ClassVar[str] = "stripe"
    credentials: ClassVar = {"api_key": "rk_test_sandbox"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.account = Account(self)

    def answer(self, request: Request) -> Answer:
        """As Stripe would."""
        if request.headers.get("Authorization") != f"Bearer {self.credentials['api_key']}":
            return _error("Invalid API Key provided: rk_test_***", 401)
        parts = request.path.strip("/").split("/")
        expand = request.query.get("expand[]", [])
        match parts:
            case ["v1", resource] if resource in _PREFIXES:
                return self._list(resource, request, [each.removeprefix("data.") for each in expand])
            case ["v1", resource, key] if key in self.store.table(resource):
                return Answer(_shown(self.store.table(resource)[key], expand))
            case ["v1", _, key] if key in self.store.table("_deleted"):
                return Answer(self.store.table("_deleted")[key])
        return _error(f"No such resource: '{parts[-1]}'", 404)

    def _list(self, resource: str, request: Request, expand: list[str]) -> Answer:
        records = sorted(
            self.store.table(resource).values(), key=lambda each: (each["created"], each["id"]), reverse=True
        )
        if resource == "events":
            records = [each for each in records if self._is_kept(each) and _is_asked_for(each, request)]
        if resource == "subscriptions" and request.get("status") != "all":
            records = [each for each in records if each["status"] != "canceled"]
        if since := request.get("created[gte]"):
            records = [each for each in records if each["created"] >= int(since)]
        if after := request.get("starting_after"):
            places = [number for number, each in enumerate(records) if each["id"] == after]
            if not places:
                return _error(f"No such object: '{after}'", 400)
            records = records[places[0] + 1 :]
        size = int(request.get("limit", str(_DEFAULT_PAGE)))
        if not 1 <= size <= _MAX_PAGE:
            return _error("Invalid integer: limit must be between 1 and 100", 400)
        size = min(size, self.quirks.page_size or size)
        page = [_shown(each, expand) for each in records[:size]]
        return Answer({"object": "list", "url": request.path, "has_more": len(records) > size, "data": page})

    def _is_kept(self, event: Record) -> bool:
        return bool(event["created"] >= _seconds(self.clock() - _EVENTS_KEPT))


def _is_asked_for(event: Record, request: Request) -> bool:
    wanted = request.get("type", "*")
    if wanted.endswith("*"):
        return str(event["type"]).startswith(wanted[:-1])
    return bool(event["type"] == wanted)


def _shown(record: Record, expand: list[str]) -> Record:
    """References are ids unless they are asked for."""
    return {
        name: [each["id"] for each in value]
        if name in _HIDDEN_UNLESS_EXPANDED and name not in expand and isinstance(value, list)
        else value
        for name, value in record.items()
    }


def _error(message: str, status: int) -> Answer:
    return Answer({"error": {"message": message, "type": "invalid_request_error"}}, status)


def _seconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1)).total_seconds())


def build(store: Store) -> StripeStandIn:
    """The stand-in over a store."""
    return StripeStandIn(store)
