"""Jira Cloud's API over the records of one site: enhanced search, change logs in bulk, users.

A search compares to the minute, in the time zone of who asks, and must be bounded. Its index may be behind.
A deleted issue is not there, and nothing says that it ever was. A missing right hides, it does not refuse.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

PAGE = 100
ID_PAGE = 5000
_BOUND = re.compile(r'(updated|created) >= "(\d{4}-\d\d-\d\d \d\d:\d\d)"')
_CATEGORIES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done"}


class Site:
    """The records of a site and what people do to them. Every change is stamped by the clock."""

    def __init__(self, stand_in: "JiraStandIn") -> None:
        self._stand_in = stand_in
        self._made = 10_000

    def records(self, name: str) -> dict[str, Record]:
        """The records of a table by id."""
        return self._stand_in.store.table(name)

    def user(self, name: str, address: str | None = None, **fields: Any) -> str:
        """An account; its address is seen only if the person lets it be."""
        key = f"5b{self._next():022d}"
        usual: Record = {"accountId": key, "accountType": "atlassian", "displayName": name, "active": True}
        if address is not None:
            usual["emailAddress"] = address
        self.records("users")[key] = {**usual, "self": "https://site.test", **fields}
        return key

    def issue(self, project: str, summary: str, **fields: Any) -> str:
        """A new issue, to do."""
        number, now = self._next(), self._stand_in.clock()
        usual: Record = {
            "summary": summary,
            "project": {"id": "1", "key": project[:3].upper(), "name": project},
            "status": self._status("To Do"),
            "assignee": None,
            "duedate": None,
            "resolutiondate": None,
            "created": self._written(now),
            "updated": self._written(now),
            "lastViewed": self._written(now),
            "comment": {"comments": [], "total": 0},
        }
        key = str(number)
        self.records("issues")[key] = {
            "id": key,
            "key": f"{project[:3].upper()}-{number}",
            "fields": {**usual, **fields},
            "_created": now.isoformat(),
            "_updated": now.isoformat(),
        }
        return key

    def update(self, key: str, **fields: Any) -> None:
        """Change fields; those that are logged are."""
        record, now = self.records("issues")[key], self._stand_in.clock()
        items = [
            self._item(name, record["fields"].get(name), value)
            for name, value in fields.items()
            if name in ("assignee", "duedate", "status", "resolution")
        ]
        record["fields"] |= {**fields, "updated": self._written(now)}
        record["_updated"] = now.isoformat()
        if items:
            number = self._next()
            self.records("history")[str(number)] = {
                "id": str(number),
                "created": int(now.replace(tzinfo=UTC).timestamp() * 1000),
                "items": items,
                "_issue": key,
            }

    def assign(self, key: str, user: str | None) -> None:
        """Give an issue to somebody, or to nobody."""
        self.update(key, assignee=self.shown_user(user) if user else None)

    def move(self, key: str, status: str) -> None:
        """Move an issue to another status; one that is done has a resolution."""
        resolved = self._written(self._stand_in.clock()) if _CATEGORIES.get(status) == "done" else None
        self.update(key, status=self._status(status), resolutiondate=resolved)

    def delete(self, key: str) -> None:
        """Gone, with its history."""
        del self.records("issues")[key]
        history = self.records("history")
        for other in [each for each, record in history.items() if record["_issue"] == key]:
            del history[other]

    def shown_user(self, key: str) -> Record:
        """A user as a field of an issue shows them."""
        user = self.records("users")[key]
        return {name: user[name] for name in ("accountId", "displayName", "active")}

    def _status(self, name: str) -> Record:
        category = _CATEGORIES.get(name, "indeterminate")
        number = str(int(hashlib.sha256(name.encode()).hexdigest()[:6], 16))
        return {"id": number, "name": name, "statusCategory": {"key": category, "name": name}}

    def _item(self, name: str, before: Any, after: Any) -> Record:
        def told(value: Any) -> tuple[Any, Any]:
            if isinstance(value, dict):
                return value.get("id") or value.get("accountId"), value.get("name") or value.get(
                    "displayName"
                )
            return value, value

        (old, old_text), (new, new_text) = told(before), told(after)
        found = {"field": name, "fieldId": name, "fieldtype": "jira", "from": old, "to": new}
        return {**found, "fromString": old_text, "toString": new_text}

    def _written(self, at: datetime) -> str:
        local = at.replace(tzinfo=UTC).astimezone(ZoneInfo(self._stand_in.zone))
        return f"{local:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}{local:%z}"

    def _next(self) -> int:
        self._made += 1
        return self._made


class JiraStandIn(StandIn):
    """One site. `zone` is the time zone of who asks."""

    kind: ClassVar[str] = "jira"
    credentials: ClassVar = {"email": "reader@example.com", "api_token": "sandbox-jira-token"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.zone = "Europe/Berlin"
        self.site = Site(self)
        # Rights the user does not have, and projects they may not browse.
        self.lacks: set[str] = set()
        self.hidden: set[str] = set()

    def answer(self, request: Request) -> Answer:
        """As Jira would."""
        wanted = base64.b64encode("{email}:{api_token}".format(**self.credentials).encode()).decode()
        known = request.headers.get("Authorization") == f"Basic {wanted}"
        headers = {} if known else {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
        path = request.path.removeprefix("/rest/api/3/")
        if not known:
            # A stranger is shown what is public: nothing.
            searched = path == "search/jql"
            return Answer(
                {"issues": [], "isLast": True} if searched else {}, 200 if searched else 401, headers
            )
        match path:
            case "myself":
                return Answer({"accountId": "me", "timeZone": self.zone})
            case "mypermissions":
                wished = request.get("permissions").split(",")
                rights = {each: {"key": each, "havePermission": each not in self.lacks} for each in wished}
                return Answer({"permissions": rights})
            case "users/search":
                return self._users(request)
            case "search/jql":
                return self._search(request.body or {})
            case "changelog/bulkfetch":
                return self._logs(request.body or {})
        return Answer({"errorMessages": ["Not found"]}, 404)

    def _users(self, request: Request) -> Answer:
        found = list(self.store.table("users").values())
        begin = int(request.get("startAt") or 0)
        size = min(int(request.get("maxResults") or 50), PAGE, self.quirks.page_size or PAGE)
        page = [] if "USER_PICKER" in self.lacks else found[begin : begin + size]
        return Answer([{name: value for name, value in each.items() if name[0] != "_"} for each in page])

    def _visible(self) -> Iterable[Record]:
        """Issues of projects one may browse that the index has by now."""
        horizon = (self.clock() - timedelta(seconds=self.quirks.lag_seconds)).isoformat()
        for record in self.store.table("issues").values():
            if record["_created"] <= horizon and record["fields"]["project"]["name"] not in self.hidden:
                # What changed since then is found by the time of the change before, if at all.
                indexed = record["_updated"] if record["_updated"] <= horizon else record["_created"]
                yield {**record, "_indexed": indexed}

    def _search(self, body: Record) -> Answer:
        jql = str(body.get("jql", ""))
        bound = _BOUND.search(jql)
        if bound is None:
            return Answer({"errorMessages": ["Unbounded JQL queries are not allowed here."]}, 400)
        # An hour that is there twice is the later one.
        local = datetime.fromisoformat(bound[2]).replace(tzinfo=ZoneInfo(self.zone), fold=1)
        since = local.astimezone(UTC).replace(tzinfo=None).isoformat()
        stamp = "_created" if bound[1] == "created" else "_indexed"
        found = [each for each in self._visible() if each[stamp] >= since]
        found.sort(key=lambda each: (each["_created"], int(each["id"])))
        fields = body.get("fields") or ["id"]
        largest = ID_PAGE if fields == ["id"] else PAGE
        page, token = self._page(found, jql, body, largest)
        if page is None:
            return Answer({"errorMessages": ["The provided next page token is invalid."]}, 400)
        if self.quirks.unordered:
            page.reverse()
        answer: Record = {"issues": [_shown(each, fields) for each in page], "isLast": token is None}
        return Answer(answer | ({"nextPageToken": token} if token else {}))

    def _logs(self, body: Record) -> Answer:
        wanted, fields = body.get("issueIdsOrKeys") or [], body.get("fieldIds") or []
        if not wanted or len(wanted) > 1000 or len(fields) > 10:
            return Answer({"errorMessages": ["Invalid request."]}, 400)
        visible = {each["id"] for each in self._visible()}
        found = [
            each
            for each in self.store.table("history").values()
            if each["_issue"] in wanted and each["_issue"] in visible
        ]
        found.sort(key=lambda each: (int(each["_issue"]), int(each["id"])))
        page, token = self._page(found, str(wanted), body, 10_000)
        if page is None:
            return Answer({"errorMessages": ["The provided next page token is invalid."]}, 400)
        logs: dict[str, list[Record]] = {}
        for each in page:
            items = [item for item in each["items"] if not fields or item["fieldId"] in fields]
            if items:
                shown = {"id": each["id"], "created": each["created"], "items": items}
                logs.setdefault(each["_issue"], []).append(shown)
        answer: Record = {
            "issueChangeLogs": [
                {"issueId": issue, "changeHistories": histories} for issue, histories in logs.items()
            ]
        }
        return Answer(answer | ({"nextPageToken": token} if token else {}))

    def _page(
        self, found: list[Record], query: str, body: Record, largest: int
    ) -> tuple[list[Record] | None, str | None]:
        """A page and the token of the next; a token holds for the query it was given for only."""
        size = min(int(body.get("maxResults") or 50), largest, self.quirks.page_size or largest)
        mark = hashlib.sha256(query.encode()).hexdigest()[:8]
        begin, token = 0, body.get("nextPageToken")
        if token:
            told, _, place = base64.b64decode(token).decode().partition(":")
            if told != mark:
                return None, None
            begin = int(place)
        end = begin + size
        page = found[max(0, begin - 1) if self.quirks.duplicates else begin : end]
        following = size if self.quirks.stuck else end
        more = base64.b64encode(f"{mark}:{following}".encode()).decode() if end < len(found) else None
        return page, more


def _shown(record: Record, fields: list[str]) -> Record:
    shown = {"id": record["id"]}
    if fields == ["id"]:
        return shown
    hidden = {each[1:] for each in fields if each.startswith("-")}
    chosen = {
        name: value
        for name, value in record["fields"].items()
        if name not in hidden and ("*all" in fields or name in fields)
    }
    return {**shown, "key": record["key"], "fields": chosen}


def build(store: Store) -> JiraStandIn:
    """The stand-in over a store."""
    return JiraStandIn(store)
