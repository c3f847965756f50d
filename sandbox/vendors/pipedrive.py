"""Pipedrive's API over the records of one company: version 2 by cursor, users and flow by version 1.

Deleted deals are listed for 30 days and only when asked for; deleted people, organizations and activities are
in no list. What is merged away is gone, and what belonged to it belongs to the other one, unchanged.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

LISTED_AS_DELETED = timedelta(days=30)
_OBJECTS = ("deals", "persons", "organizations", "activities")
_FIELDS = {
    "dealFields": "deals",
    "personFields": "persons",
    "organizationFields": "organizations",
    "activityFields": "activities",
}
_MAX_PAGE = 500
_LIST_TOKENS = 20
_FLOW_PAGE = 100
_TRACKED = ("stage_id", "status", "value", "user_id", "expected_close_date", "probability", "currency")


def stamp(at: datetime) -> str:
    """A moment as version 2 writes it, to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """A moment as version 2 writes it."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


class Company:
    """The records of a company and what users do to them. Every change is stamped by the clock."""

    def __init__(self, stand_in: "PipedriveStandIn") -> None:
        self._stand_in = stand_in

    def records(self, name: str) -> dict[str, Record]:
        """The records of an object by id."""
        return self._stand_in.store.table(name)

    def create(self, name: str, /, **fields: Any) -> int:
        """A new record; returns its id."""
        counter = self._stand_in.store.table("_ids").setdefault(name, {"last": 0})
        counter["last"] += 1
        key = int(counter["last"])
        now = self._now()
        usual: Record = {"id": key, "add_time": now, "update_time": now, "is_deleted": False}
        if name in _OBJECTS:
            usual |= {"custom_fields": {}, "owner_id": None}
        if name == "deals":
            usual |= {"title": "Deal", "status": "open", "stage_id": None, "value": 0, "currency": "EUR"}
            usual |= {"is_archived": False, "org_id": None, "person_id": None, "expected_close_date": None}
            usual |= {"won_time": None, "lost_time": None, "close_time": None, "probability": None}
        if name == "users":
            now = now.replace("T", " ").removesuffix("Z")
            usual = {"id": key, "created": now, "modified": now, "active_flag": True, "is_deleted": False}
        self.records(name)[str(key)] = {**usual, **fields}
        return key

    def field(self, name: str, label: str, kind: str = "varchar", options: list[str] | None = None) -> str:
        """A field of the company's own; returns the hash it is known by."""
        code = hashlib.sha1(f"{name} {label} {len(self.records('fields'))}".encode()).hexdigest()
        listed = [{"id": number, "label": each} for number, each in enumerate(options or [], start=1)]
        self.records("fields")[code] = {
            "object": name,
            "field_name": label,
            "field_code": code,
            "field_type": kind,
            "is_custom_field": True,
            "is_optional_response_field": False,
            "options": listed or None,
        }
        return code

    def update(self, name: str, key: int, /, *, silently: bool = False, **fields: Any) -> None:
        """Change fields; `silently` moves no date, as where a record is moved along by a merge."""
        record = self.records(name)[str(key)]
        for field, value in fields.items():
            # Version 1, which keeps the history, knows the owner as the user.
            known = "user_id" if field == "owner_id" else field
            if name == "deals" and known in _TRACKED and record.get(field) != value:
                self._log(key, known, record.get(field), value)
        record |= fields
        if not silently:
            record["update_time"] = self._now()

    def close(self, deal: int, status: str, reason: str | None = None) -> None:
        """Won or lost."""
        now = self._now()
        fields: Record = {"status": status, "close_time": now, "lost_reason": reason}
        self.update("deals", deal, **fields | {f"{status}_time": now})

    def reopen(self, deal: int) -> None:
        """Open again, in the stage it was in."""
        self.update("deals", deal, status="open", close_time=None, won_time=None, lost_time=None)

    def archive(self, deal: int) -> None:
        """Out of the pipeline and its lists."""
        self.update("deals", deal, is_archived=True)

    def delete(self, name: str, key: int) -> None:
        """Deleted; can be restored for 30 days."""
        self.records(name)[str(key)] |= {"is_deleted": True, "_deleted_at": self._now()}

    def restore(self, name: str, key: int) -> None:
        """As if it had never been deleted; no date moves."""
        self.records(name)[str(key)]["is_deleted"] = False

    def purge(self, name: str, key: int) -> None:
        """Gone, as after 30 days."""
        del self.records(name)[str(key)]

    def merge(self, name: str, winner: int, loser: int) -> None:
        """The loser is gone; what belonged to it belongs to the winner."""
        link = {"persons": "person_id", "organizations": "org_id"}.get(name)
        del self.records(name)[str(loser)]
        for other in _OBJECTS:
            for record in self.records(other).values():
                if link and record.get(link) == loser:
                    record[link] = winner
        self.update(name, winner)

    def _log(self, deal: int, field: str, old: Any, new: Any) -> None:
        log = self.records("flow")
        key = len(log) + 1
        log[str(key)] = {
            "id": key,
            "item_id": deal,
            "user_id": 1,
            "field_key": field,
            "old_value": None if old is None else str(old),
            "new_value": None if new is None else str(new),
            "log_time": self._now().replace("T", " ").removesuffix("Z"),
        }

    def _now(self) -> str:
        return stamp(self._stand_in.clock())


class PipedriveStandIn(StandIn):
    """One company."""

    kind: ClassVar[str] = "pipedrive"
    credentials: ClassVar = {"api_token": "sandbox-token-0123456789abcdef"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.company = Company(self)
        # Parts of paths whose scope the token does not have.
        self.hidden: set[str] = set()
        self.daily_tokens = 1_000_000
        self._spent = 0

    def answer(self, request: Request) -> Answer:
        """As Pipedrive would."""
        if request.headers.get("x-api-token") != self.credentials["api_token"]:
            return _error("unauthorized access", 401)
        if any(part in request.path for part in self.hidden):
            return _error("Scope and URL mismatch", 403)
        self._spent += _LIST_TOKENS
        headers = {"x-ratelimit-limit": "40", "x-ratelimit-remaining": "39", "x-ratelimit-reset": "2"}
        if self._spent > self.daily_tokens:
            answer = _error("request over limit", 429)
        else:
            answer = self._routed(request)
        answer.headers |= headers | {"x-daily-requests-left": str(max(0, self.daily_tokens - self._spent))}
        return answer

    def _routed(self, request: Request) -> Answer:
        match request.path.strip("/").split("/"):
            case ["api", "v2", "deals"]:
                return self._deals(request, archived=False)
            case ["api", "v2", "deals", "archived"]:
                return self._deals(request, archived=True)
            case ["api", "v2", "persons" | "organizations" | "activities" | "stages" as name]:
                return self._list(request, [each for each in self._all(name) if not each["is_deleted"]])
            case ["api", "v2", fields] if fields in _FIELDS:
                found = [each for each in self._all("fields") if each["object"] == _FIELDS[fields]]
                return self._list(request, [{**each, "id": each["field_code"]} for each in found])
            case ["api", "v1", "users"]:
                return Answer({"success": True, "data": [_shown(each) for each in self._all("users")]})
            case ["api", "v1", "deals", deal, "flow"]:
                return self._flow(request, deal)
        return _error("Not found", 404)

    def _all(self, name: str) -> list[Record]:
        return list(self.store.table(name).values())

    def _deals(self, request: Request, *, archived: bool) -> Answer:
        wanted = (request.get("status") or "open,won,lost").split(",")
        horizon = stamp(self.clock() - LISTED_AS_DELETED)
        found = []
        for each in self._all("deals"):
            if each["is_archived"] == archived:
                if each["is_deleted"]:
                    if "deleted" in wanted and each["_deleted_at"] >= horizon:
                        found.append(each)
                elif each["status"] in wanted:
                    found.append(each)
        return self._list(request, found)

    def _list(self, request: Request, found: list[Record]) -> Answer:
        if since := request.get("updated_since"):
            found = [each for each in found if moment(each["update_time"]) >= moment(since)]
        if ids := request.get("ids"):
            found = [each for each in found if str(each["id"]) in ids.split(",")]
        horizon = stamp(self.clock() - timedelta(seconds=self.quirks.lag_seconds))
        if self.quirks.lag_seconds:
            found = [each for each in found if each["update_time"] <= horizon]
        by = request.get("sort_by", "id")
        order = [(str(each.get(by, "")), each["id"]) if by != "id" else ("", each["id"]) for each in found]
        ranked = sorted(zip(order, found, strict=True), key=lambda pair: pair[0])
        limit = int(request.get("limit") or 100)
        if limit > _MAX_PAGE:
            return _error("limit must be at most 500", 400)
        size = min(limit, self.quirks.page_size or limit)
        try:
            after = (
                tuple(json.loads(base64.b64decode(request.get("cursor")))) if request.get("cursor") else None
            )
        except ValueError:
            return _error("cursor is invalid", 400)
        # A cursor names the last record that was given: what changes meanwhile moves behind it.
        rest = [pair for pair in ranked if after is None or pair[0] > after]
        page = rest[:size]
        shown = [_shown(each) for _, each in page]
        if self.quirks.duplicates and after is not None:
            before = [each for place, each in ranked if place <= after]
            shown = [*map(_shown, before[-1:]), *shown]
        if self.quirks.unordered:
            shown.reverse()
        last = ranked[min(size, len(ranked)) - 1][0] if self.quirks.stuck and ranked else None
        more = len(rest) > size
        cursor = base64.b64encode(json.dumps(last or page[-1][0]).encode()).decode() if more else None
        return Answer({"success": True, "data": shown, "additional_data": {"next_cursor": cursor}})

    def _flow(self, request: Request, deal: str) -> Answer:
        if deal not in self.store.table("deals"):
            return _error("Deal not found", 404)
        found = [each for each in self._all("flow") if str(each["item_id"]) == deal]
        found.sort(key=lambda each: -each["id"])
        start, size = int(request.get("start") or 0), min(int(request.get("limit") or 100), _FLOW_PAGE)
        size = min(size, self.quirks.page_size or size)
        page = found[start : start + size]
        more = start + size < len(found)
        place = {"start": start, "limit": size, "more_items_in_collection": more}
        listed = [{"object": "dealChange", "timestamp": each["log_time"], "data": each} for each in page]
        return Answer(
            {
                "success": True,
                "data": listed or None,
                "additional_data": {"pagination": place | ({"next_start": start + size} if more else {})},
            }
        )


def _shown(record: Record) -> Record:
    return {name: value for name, value in record.items() if not name.startswith("_")}


def _error(message: str, status: int) -> Answer:
    return Answer({"success": False, "error": message, "error_info": "", "data": None}, status)


def build(store: Store) -> PipedriveStandIn:
    """The stand-in over a store."""
    return PipedriveStandIn(store)
