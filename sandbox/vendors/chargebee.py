"""Chargebee's API, version 2, over the resources of one site: lists with filters and offsets, and events.

Times are seconds, offsets opaque, deleted records hidden unless they are asked for. What changed in the last
minutes may be missing from a list: `quirks.lag_seconds`.
"""

import base64
import copy
import json
from datetime import datetime
from typing import Any, ClassVar

from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

_MAX_PAGE = 100
_DEFAULT_PAGE = 10
_RESOURCES = {
    "customers": "customer",
    "items": "item",
    "item_prices": "item_price",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "credit_notes": "credit_note",
    "coupons": "coupon",
    "events": "event",
}


class Site:
    """The resources of a site and what happens to them; what happens to subscriptions leaves events."""

    def __init__(self, stand_in: "ChargebeeStandIn") -> None:
        self._stand_in = stand_in
        self._made = 0

    def records(self, resource: str) -> dict[str, Record]:
        """The records of a resource by id."""
        return self._stand_in.store.table(resource)

    def create(self, resource: str, key: str | None = None, **fields: Any) -> str:
        """A new record; returns its id."""
        self._made += 1
        key = key or f"{_RESOURCES[resource]}_{self._made}"
        now = self.now()
        usual = {"id": key, "object": _RESOURCES[resource], "deleted": False, "created_at": now}
        if resource in ("invoices", "credit_notes"):
            usual["date"] = now
        self.records(resource)[key] = {**usual, **fields}
        self._changed(resource, key, "created")
        return key

    def update(self, resource: str, key: str, what: str = "changed", **fields: Any) -> None:
        """Change fields; `what` is the end of the event's name."""
        self.records(resource)[key] |= fields
        self._changed(resource, key, what)

    def delete(self, resource: str, key: str) -> None:
        """Hidden from now on unless deleted records are asked for."""
        self.update(resource, key, "deleted", deleted=True)

    def subscribe(self, customer: str, *items: Record, **fields: Any) -> str:
        """A monthly subscription in dollars that is active from now on."""
        terms = {"billing_period": 1, "billing_period_unit": "month", "currency_code": "USD"}
        return self.create(
            "subscriptions",
            customer_id=customer,
            status="active",
            started_at=self.now(),
            subscription_items=list(items),
            **{**terms, **fields},
        )

    def cancel(self, subscription: str, reason: str | None = None) -> None:
        """Over from now on."""
        told = {"cancel_reason": reason} if reason else {}
        self.update(
            "subscriptions", subscription, "cancelled", status="cancelled", cancelled_at=self.now(), **told
        )

    @staticmethod
    def item(price: str, unit_price: int, quantity: int = 1, kind: str = "plan", **fields: Any) -> Record:
        """An item of a subscription: `unit_price` in the smallest unit per unit and billing period."""
        return {
            "item_price_id": price,
            "item_type": kind,
            "quantity": quantity,
            "unit_price": unit_price,
            "amount": unit_price * quantity,
            **fields,
        }

    def now(self) -> int:
        """The time in seconds."""
        return _seconds(self._stand_in.clock())

    def _changed(self, resource: str, key: str, what: str) -> None:
        record = self.records(resource)[key]
        now = self.now()
        record |= {"updated_at": now, "resource_version": 1000 * now + self._made}
        if resource == "subscriptions":
            self._made += 1
            event = f"ev_{self._made}"
            content = {"subscription": copy.deepcopy(record), "customer": {"id": record["customer_id"]}}
            self.records("events")[event] = {
                "id": event,
                "object": "event",
                "occurred_at": now,
                "event_type": f"subscription_{what}",
                "api_version": "v2",
                "content": content,
            }


class ChargebeeStandIn(StandIn):
    """One test site with product catalog 2.0."""

    kind: ClassVar[str] = "chargebee"
    credentials: ClassVar = {"api_key": "test_key_of_the_sandbox"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.site = Site(self)
        # Resources this key may not read.
        self.hidden: set[str] = set()

    def answer(self, request: Request) -> Answer:
        """As Chargebee would."""
        wanted = base64.b64encode(f"{self.credentials['api_key']}:".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {wanted}":
            return _error("api_authentication_failed", "Sorry, authentication failed.", 401)
        match request.path.strip("/").split("/"):
            case ["api", "v2", resource] if resource in self.hidden:
                return _error("api_authorization_failed", f"No permission to read {resource}", 403)
            case ["api", "v2", resource] if resource in _RESOURCES:
                return self._list(resource, request)
        return _error("site_not_found" if "v2" not in request.path else "resource_not_found", "None", 404)

    def _list(self, resource: str, request: Request) -> Answer:
        changed = "occurred_at" if resource == "events" else "updated_at"
        known = {"limit", "offset", "include_deleted", "sort_by[asc]", f"{changed}[after]"}
        known |= {"event_type[in]"} if resource == "events" else set()
        if unknown := request.query.keys() - known:
            return _error("invalid_request", f"{min(unknown)} : unknown parameter", 400)
        size = int(request.get("limit", str(_DEFAULT_PAGE)))
        if not 1 <= size <= _MAX_PAGE or request.get("sort_by[asc]", changed) != changed:
            return _error("param_wrong_value", "limit : must be from 1 to 100", 400)
        horizon = _seconds(self.clock()) - self.quirks.lag_seconds
        found = [each for each in self.store.table(resource).values() if each[changed] <= horizon]
        if request.get("include_deleted") != "true":
            found = [each for each in found if not each.get("deleted")]
        if after := request.get(f"{changed}[after]"):
            found = [each for each in found if each[changed] > int(after)]
        if kinds := request.get("event_type[in]"):
            found = [each for each in found if each["event_type"] in json.loads(kinds)]
        found.sort(key=lambda each: (each[changed], each["id"]))
        return self._page(resource, found, min(size, self.quirks.page_size or size), request)

    def _page(self, resource: str, found: list[Record], size: int, request: Request) -> Answer:
        offset = request.get("offset")
        try:
            begin = int(json.loads(base64.b64decode(offset, validate=True))[0]) if offset else 0
        except ValueError:
            return _error("invalid_request", "offset : invalid", 400)
        page = found[max(0, begin - 1) if self.quirks.duplicates else begin : begin + size]
        if self.quirks.unordered:
            page.reverse()
        body: Record = {"list": [{_RESOURCES[resource]: each} for each in page]}
        if begin + size < len(found):
            end = size if self.quirks.stuck else begin + size
            body["next_offset"] = base64.b64encode(json.dumps([str(end), "key"]).encode()).decode()
        return Answer(body)


def _seconds(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1)).total_seconds())


def _error(code: str, message: str, status: int) -> Answer:
    body = {"message": message, "type": "invalid_request", "api_error_code": code, "http_status_code": status}
    return Answer(body, status)


def build(store: Store) -> ChargebeeStandIn:
    """The stand-in over a store."""
    return ChargebeeStandIn(store)
