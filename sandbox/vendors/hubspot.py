"""HubSpot's API over the records of one portal: objects, search, batches, associations, archive, marketing.

A search is understood as far as extraction needs it, and ends at its 10,000th result, as there. Times of
version 3 are ISO, those of version 1 milliseconds; properties are texts, and a cleared one is empty.
"""

import base64
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sandbox import ids
from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

OBJECTS = ("companies", "contacts", "deals", "tickets", "calls", "meetings", "emails", "tasks")
SEARCH_CEILING = 10_000
_PAGE = 100
_PAGE_WITH_HISTORY = 50
_SEARCH_PAGE = 200
_BATCH = 100
_MAX_ADDRESS_BYTES = 16_000
_EPOCH = datetime(1970, 1, 1)


def stamp(at: datetime) -> str:
    """A moment as version 3 writes it, to the millisecond."""
    return at.isoformat(timespec="milliseconds") + "Z"


def moment(text: str) -> datetime:
    """A moment as HubSpot, or a filter, writes it: ISO or milliseconds."""
    if text.isdigit():
        return _EPOCH + timedelta(milliseconds=int(text))
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def changed_property(name: str) -> str:
    """The property that says when a record of this object last changed."""
    return "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"


class Portal:
    """The records of a portal and what users do to them. Every change is stamped by the clock."""

    def __init__(self, stand_in: "HubspotStandIn") -> None:
        self._stand_in = stand_in
        self._made = 0

    def records(self, name: str) -> dict[str, Record]:
        """The records of an object by id."""
        return self._stand_in.store.table(name)

    def create(self, name: str, /, **properties: Any) -> str:
        """A new record; returns its id."""
        self._made += 1
        key = ids.hubspot(name, str(self._made))
        now = stamp(self._stand_in.clock())
        given = {"createdate": now, "hs_object_id": key, **properties}
        self.records(name)[key] = {
            "id": key,
            "properties": {},
            "history": {},
            "createdAt": now,
            "updatedAt": now,
            "archived": False,
        }
        self.update(name, key, **given)
        return key

    def update(self, name: str, key: str, /, *, silently: bool = False, **properties: Any) -> None:
        """Change properties; `silently` as a calculated property does, which moves no date."""
        record, now = self.records(name)[key], stamp(self._stand_in.clock())
        for field, value in properties.items():
            text = "" if value is None else str(value)
            if record["properties"].get(field) == text:
                continue
            record["properties"][field] = text
            versions = record["history"].setdefault(field, [])
            versions.insert(
                0, {"value": text, "timestamp": now, "sourceType": "CRM_UI", "updatedByUserId": 7}
            )
        if not silently:
            record["properties"][changed_property(name)] = record["updatedAt"] = now

    def archive(self, name: str, key: str) -> None:
        """Into the archive. Its date of change stays."""
        self.records(name)[key] |= {"archived": True, "archivedAt": stamp(self._stand_in.clock())}

    def restore(self, name: str, key: str) -> None:
        """Out of the archive. Its date of change stays."""
        self.records(name)[key]["archived"] = False
        self.records(name)[key].pop("archivedAt", None)

    def purge(self, name: str, key: str) -> None:
        """Gone without a trace, as a person who asked to be forgotten."""
        del self.records(name)[key]
        self._forget_pairs(name, key)

    def merge(self, name: str, winner: str, loser: str) -> None:
        """The loser's id is gone; the winner says that it was it, and has what it had."""
        before = self.records(name)[winner]["properties"].get("hs_merged_object_ids", "")
        del self.records(name)[loser]
        for pair in list(self.pairs()):
            if pair["from"] == [name, loser] or pair["to"] == [name, loser]:
                ends = [[name, winner] if end == [name, loser] else end for end in (pair["from"], pair["to"])]
                self.associate(ends[0][0], ends[0][1], ends[1][0], ends[1][1])
        self._forget_pairs(name, loser)
        self.update(name, winner, hs_merged_object_ids=";".join(filter(None, (before, loser))))

    def associate(self, from_object: str, from_id: str, to_object: str, to_id: str, label: str = "") -> None:
        """Two records belong together. Neither counts as changed."""
        key = f"{from_object}:{from_id}:{to_object}:{to_id}"
        pair = {"id": key, "from": [from_object, from_id], "to": [to_object, to_id], "label": label}
        self._stand_in.store.table("associations")[key] = pair

    def dissociate(self, from_object: str, from_id: str, to_object: str, to_id: str) -> None:
        """They no longer do."""
        del self._stand_in.store.table("associations")[f"{from_object}:{from_id}:{to_object}:{to_id}"]

    def pairs(self) -> Iterable[Record]:
        """Every association."""
        return self._stand_in.store.table("associations").values()

    def _forget_pairs(self, name: str, key: str) -> None:
        pairs = self._stand_in.store.table("associations")
        for pair in list(pairs.values()):
            if [name, key] in (pair["from"], pair["to"]):
                del pairs[pair["id"]]


class HubspotStandIn(StandIn):
    """One portal."""

    kind: ClassVar[str] = "hubspot"
    credentials: ClassVar = {"access_token": "pat-sandbox-0000"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.portal = Portal(self)
        # Scopes the app does not have, as parts of paths.
        self.hidden: set[str] = set()
        self.daily_calls = 500_000
        self._calls = 0

    def answer(self, request: Request) -> Answer:
        """As HubSpot would."""
        token = request.headers.get("Authorization", "")
        if token != f"Bearer {self.credentials['access_token']}":
            return _error("Authentication credentials not found.", "INVALID_AUTHENTICATION", 401)
        self._calls += 1
        if self._calls > self.daily_calls:
            answer = _error("You have reached your daily limit.", "RATE_LIMITS", 429)
            answer.body["policyName"] = "DAILY"
            return answer
        if any(scope in request.path for scope in self.hidden):
            return _error("This app hasn't been granted all required scopes.", "MISSING_SCOPES", 403)
        answer = self._routed(request)
        answer.headers |= {
            "X-HubSpot-RateLimit-Daily": str(self.daily_calls),
            "X-HubSpot-RateLimit-Daily-Remaining": str(self.daily_calls - self._calls),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": "100",
        }
        return answer

    def _routed(self, request: Request) -> Answer:
        match [request.method, *request.path.strip("/").split("/")]:
            case ["GET", "crm", "v3", "properties", name] if name in OBJECTS:
                return _listed([{"name": each, "type": "string"} for each in sorted(self._properties(name))])
            case ["GET", "crm", "v3", "objects", name] if name in OBJECTS:
                return self._list(name, request)
            case ["POST", "crm", "v3", "objects", name, "search"] if name in OBJECTS:
                return self._search(name, request.body)
            case ["POST", "crm", "v3", "objects", name, "batch", "read"] if name in OBJECTS:
                return self._batch(name, request)
            case ["POST", "crm", "v4", "associations", name, other, "batch", "read"]:
                return self._associated(name, other, request.body)
            case ["GET", "crm", "v3", "owners"]:
                wanted = request.get("archived") == "true"
                owners = [each for each in self._all("owners") if each.get("archived", False) == wanted]
                return self._page(request, owners, 100)
            case ["GET", "crm", "v3", "pipelines", name]:
                return _listed([each for each in self._all("pipelines") if each["object"] == name])
            case ["GET", "marketing", "v3", "forms" | "campaigns" as name]:
                return self._page(request, self._all(name), 100)
            case ["GET", "form-integrations", "v1", "submissions", "forms", form]:
                found = [each for each in self._all("form_submissions") if each["form"] == form]
                found.sort(key=lambda each: -each["submittedAt"])
                return self._page(request, [_without(each, "id", "form") for each in found], 50)
            case ["GET", "email", "public", "v1", "events"]:
                start = int(request.get("startTimestamp") or 0)
                found = [each for each in self._all("email_events") if each["created"] >= start]
                return self._page_v1(
                    request, "events", sorted(found, key=lambda each: -each["created"]), 1000
                )
            case ["GET", "email", "public", "v1", "campaigns", "by-id"]:
                found = [{"id": int(each["id"]), "appId": 1} for each in self._all("email_campaigns")]
                return self._page_v1(request, "campaigns", found, 500)
            case ["GET", "email", "public", "v1", "campaigns", key]:
                return Answer(self.store.table("email_campaigns")[key])
            case ["POST", "crm", "v3", "lists", "search"]:
                offset, count = request.body["offset"], min(request.body["count"], 500)
                found = list(self._all("lists"))
                return Answer(
                    {
                        "lists": found[offset : offset + count],
                        "total": len(found),
                        "hasMore": offset + count < len(found),
                        "offset": offset + count,
                    }
                )
        return _error("resource not found", "OBJECT_NOT_FOUND", 404)

    def _all(self, name: str) -> list[Record]:
        return list(self.store.table(name).values())

    def _properties(self, name: str) -> set[str]:
        known = {"hs_object_id", "createdate", changed_property(name), "hs_merged_object_ids"}
        return known.union(*(record["properties"] for record in self.store.table(name).values()))

    # --- objects ----------------------------------------------------------------------------------

    def _list(self, name: str, request: Request) -> Answer:
        history = request.query.get("propertiesWithHistory", [])
        size = _PAGE_WITH_HISTORY if history else _PAGE
        if int(request.get("limit") or 10) > size:
            return _error(f"limit must be at most {size}", "VALIDATION_ERROR", 400)
        archived = request.get("archived") == "true"
        wanted = request.query.get("properties", [])
        found = [each for each in self._all(name) if each["archived"] == archived]
        return self._page(request, [self._shown(name, each, wanted, history) for each in found], size)

    def _batch(self, name: str, request: Request) -> Answer:
        body = request.body
        size = _PAGE_WITH_HISTORY if body["propertiesWithHistory"] else _BATCH
        if len(body["inputs"]) > size:
            return _error(f"inputs must be at most {size}", "VALIDATION_ERROR", 400)
        archived = request.get("archived") == "true"
        found = [self.store.table(name).get(each["id"]) for each in body["inputs"]]
        shown = [
            self._shown(name, each, body["properties"], body["propertiesWithHistory"])
            for each in found
            if each is not None and each["archived"] == archived
        ]
        if self.quirks.unordered:
            shown.reverse()
        return Answer({"status": "COMPLETE", "results": shown}, 200 if len(shown) == len(found) else 207)

    def _shown(self, name: str, record: Record, properties: Iterable[str], history: Iterable[str]) -> Record:
        own = record["properties"]
        shown = _without(record, "properties", "history")
        shown["properties"] = {field: own.get(field) for field in {"hs_object_id", *properties}}
        if history:
            shown["propertiesWithHistory"] = {field: record["history"].get(field, []) for field in history}
        return shown

    def _search(self, name: str, body: Record) -> Answer:
        after, limit = int(body.get("after") or 0), body["limit"]
        if limit > _SEARCH_PAGE or after + limit > SEARCH_CEILING:
            return _error("paging limits exceeded", "VALIDATION_ERROR", 400)
        (group,) = body["filterGroups"]
        if any(
            each.get("value") == "0" and each["propertyName"] != "hs_object_id" for each in group["filters"]
        ):
            return _error("internal error", "INTERNAL_ERROR", 500)
        horizon = stamp(self.clock() - timedelta(seconds=self.quirks.lag_seconds))
        found = [
            each
            for each in self._all(name)
            if not each["archived"]
            and (not self.quirks.lag_seconds or each["updatedAt"] <= horizon)
            and all(_meets(each["properties"], condition) for condition in group["filters"])
        ]
        (order,) = body["sorts"]
        found.sort(key=lambda each: _sortable(order, each["properties"].get(order) or ""))
        limit = min(limit, self.quirks.page_size or limit)
        page = [self._shown(name, each, body["properties"], ()) for each in found[after : after + limit]]
        answer: Record = {"total": len(found), "results": page}
        if after + limit < len(found):
            answer["paging"] = {"next": {"after": str(after + limit)}}
        return Answer(answer)

    def _associated(self, name: str, other: str, body: Record) -> Answer:
        if len(body["inputs"]) > 1000:
            return _error("inputs must be at most 1000", "VALIDATION_ERROR", 400)
        wanted = {each["id"] for each in body["inputs"]}
        to: dict[str, list[Record]] = {}
        for pair in self.portal.pairs():
            (own_object, own), (other_object, other_id) = pair["from"], pair["to"]
            if own_object == name and other_object == other and own in wanted:
                types = [{"category": "HUBSPOT_DEFINED", "typeId": 1, "label": None}]
                if pair["label"]:
                    types.append({"category": "USER_DEFINED", "typeId": 9, "label": pair["label"]})
                to.setdefault(own, []).append({"toObjectId": int(other_id), "associationTypes": types})
        results = [{"from": {"id": own}, "to": others} for own, others in to.items()]
        return Answer({"status": "COMPLETE", "results": results})

    # --- pages ------------------------------------------------------------------------------------

    def _page(self, request: Request, found: list[Record], size: int) -> Answer:
        """A page of a list, whose cursor is opaque."""
        if len(str(request.query).encode()) > _MAX_ADDRESS_BYTES:
            return _error("URI too long", "URI_TOO_LONG", 414)
        size = min(int(request.get("limit") or size), size, self.quirks.page_size or size)
        start = _opened(request.get("after"))
        if start is None:
            return _error("invalid cursor", "VALIDATION_ERROR", 400)
        end = start + size
        page = found[max(0, start - 1) if self.quirks.duplicates else start : end]
        if self.quirks.unordered:
            page.reverse()
        answer: Record = {"results": page}
        if end < len(found):
            answer["paging"] = {"next": {"after": _closed(size if self.quirks.stuck else end)}}
        return Answer(answer)

    def _page_v1(self, request: Request, items: str, found: list[Record], size: int) -> Answer:
        size = min(int(request.get("limit") or size), size, self.quirks.page_size or size)
        start = _opened(request.get("offset")) or 0
        end = start + size
        return Answer({items: found[start:end], "hasMore": end < len(found), "offset": _closed(end)})


def _closed(position: int) -> str:
    return base64.urlsafe_b64encode(f"position {position}".encode()).decode()


def _opened(cursor: str) -> int | None:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("position "))
    except ValueError:
        return None


def _listed(found: list[Record]) -> Answer:
    return Answer({"results": found})


def _without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}


def _error(message: str, category: str, status: int) -> Answer:
    correlation = secrets.token_hex(4)
    return Answer(
        {"status": "error", "message": message, "category": category, "correlationId": correlation}, status
    )


def _sortable(field: str, value: str) -> Any:
    if field == "hs_object_id":
        return int(value)
    return moment(value)


def _meets(properties: Record, condition: Record) -> bool:
    value = properties.get(condition["propertyName"])
    if condition["operator"] == "HAS_PROPERTY":
        return bool(value)
    if not value:
        return False
    field, wanted = condition["propertyName"], condition["value"]
    left, right = _sortable(field, value), _sortable(field, wanted)
    match condition["operator"]:
        case "GTE":
            return bool(left >= right)
        case "GT":
            return bool(left > right)
        case "LTE":
            return bool(left <= right)
        case "EQ":
            return bool(left == right)
        case other:
            raise AssertionError(f"an operator nobody asked for before: {other}")


def build(store: Store) -> HubspotStandIn:
    """The stand-in over a store."""
    return HubspotStandIn(store)
