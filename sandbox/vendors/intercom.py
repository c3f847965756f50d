"""Intercom's API over the records of one workspace: searches, the scroll of companies, admins and teams.

Times are seconds since 1970. A search compares moments by =, < and > only, and those of contacts by the day.
The same request goes on with a scroll, of which a workspace has one. What is deleted is gone without a trace.
"""

import base64
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

MAX_PAGE = 150
SCROLL_PAGE = 100
_SCROLL_LIFE = timedelta(minutes=1)
_DAY = 86_400
_DEFAULTS: dict[str, Record] = {
    "contacts": {"type": "contact", "role": "user", "custom_attributes": {}, "companies": {"data": []}},
    "companies": {"type": "company", "custom_attributes": {}},
    "conversations": {
        "type": "conversation",
        "state": "open",
        "priority": "not_priority",
        "source": {"type": "conversation", "delivered_as": "customer_initiated"},
        "contacts": {"type": "contact.list", "contacts": []},
        "conversation_rating": None,
        "admin_assignee_id": None,
        "team_assignee_id": None,
        "custom_attributes": {},
    },
    "tickets": {
        "type": "ticket",
        "ticket_state": {"type": "ticket_state", "category": "submitted"},
        "contacts": {"type": "contact.list", "contacts": []},
        "ticket_parts": {"type": "ticket_part.list", "ticket_parts": []},
        "ticket_attributes": {},
        "open": True,
    },
    "admins": {"type": "admin", "team_ids": []},
    "teams": {"type": "team"},
}


def seconds(at: datetime) -> int:
    """A moment in seconds since 1970."""
    return int(at.replace(tzinfo=UTC).timestamp())


class Workspace:
    """The records of a workspace and what people do to them. Every change is stamped by the clock."""

    def __init__(self, stand_in: "IntercomStandIn") -> None:
        self._stand_in = stand_in
        self._made = 0

    def records(self, name: str) -> dict[str, Record]:
        """The records of a table by id."""
        return self._stand_in.store.table(name)

    def create(self, name: str, /, **fields: Any) -> str:
        """A new record; returns its id."""
        self._made += 1
        key = f"{self._made:024x}" if name in ("contacts", "companies") else str(self._made)
        now = self.now()
        usual = {**_DEFAULTS[name], "id": key}
        if name not in ("admins", "teams"):
            usual |= {"created_at": now, "updated_at": now}
        if name == "conversations":
            usual["statistics"] = {"type": "conversation_statistics", "count_reopens": 0}
        self.records(name)[key] = usual | fields
        return key

    def update(self, name: str, key: str, /, **fields: Any) -> None:
        """Change fields."""
        self.records(name)[key] |= {**fields, "updated_at": self.now()}

    def ask(self, contact: str, **fields: Any) -> str:
        """A contact begins a conversation; returns its id."""
        return self.create("conversations", contacts=_listed(contact), **fields)

    def reply(self, conversation: str) -> None:
        """An admin answers."""
        known = self._statistics(conversation)
        known.setdefault("first_admin_reply_at", self.now())
        self.update("conversations", conversation, statistics=known)

    def close(self, conversation: str) -> None:
        """Closed, for now."""
        known = self._statistics(conversation) | {"last_close_at": self.now()}
        self.update("conversations", conversation, state="closed", statistics=known)

    def reopen(self, conversation: str) -> None:
        """Not over after all."""
        known = self._statistics(conversation)
        known["count_reopens"] += 1
        self.update("conversations", conversation, state="open", statistics=known)

    def rate(self, conversation: str, rating: int, remark: str | None = None) -> None:
        """From 1 to 5."""
        rated = {"rating": rating, "remark": remark, "created_at": self.now()}
        self.update("conversations", conversation, conversation_rating=rated)

    def ticket(self, contact: str, **fields: Any) -> str:
        """A contact files a ticket; returns its id."""
        return self.create("tickets", contacts=_listed(contact), **fields)

    def move(self, ticket: str, category: str) -> None:
        """Put a ticket into a state."""
        record = self.records("tickets")[ticket]
        before = record["ticket_state"]["category"]
        part = {"part_type": "ticket_state_updated_by_admin", "previous_ticket_state": before}
        self._add_part(ticket, {**part, "ticket_state": category})
        self.update("tickets", ticket, ticket_state={"type": "ticket_state", "category": category})

    def answer_ticket(self, ticket: str) -> None:
        """An admin comments on a ticket."""
        self._add_part(ticket, {"part_type": "comment", "author": {"type": "admin", "id": "1"}})
        self.update("tickets", ticket)

    def delete(self, name: str, key: str) -> None:
        """Gone."""
        del self.records(name)[key]

    def merge(self, user: str, lead: str) -> None:
        """The lead is gone; what it asked the user asked. No conversation counts as changed."""
        del self.records("contacts")[lead]
        for name in ("conversations", "tickets"):
            for record in self.records(name).values():
                if any(each["id"] == lead for each in record["contacts"]["contacts"]):
                    record["contacts"] = _listed(user)
        self.update("contacts", user)

    def now(self) -> int:
        """The clock in seconds since 1970."""
        return seconds(self._stand_in.clock())

    def _statistics(self, conversation: str) -> Record:
        return dict(self.records("conversations")[conversation]["statistics"])

    def _add_part(self, ticket: str, part: Record) -> None:
        parts = self.records("tickets")[ticket]["ticket_parts"]["ticket_parts"]
        more = {"id": str(len(parts) + 1), "created_at": self.now(), **part}
        self.records("tickets")[ticket]["ticket_parts"] = {"ticket_parts": [*parts, more]}


class IntercomStandIn(StandIn):
    """One workspace."""

    kind: ClassVar[str] = "intercom"
    credentials: ClassVar = {"access_token": "dG9rOnNhbmRib3g="}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.workspace = Workspace(self)
        # Parts of paths that the app may not read.
        self.hidden: set[str] = set()
        # The one scroll: its name, which page is next, and when it was last used.
        self._scroll: tuple[str, int, datetime] | None = None

    def answer(self, request: Request) -> Answer:
        """As Intercom would."""
        if request.headers.get("Authorization") != f"Bearer {self.credentials['access_token']}":
            return _error("unauthorized", "Access Token Invalid", 401)
        if not request.headers.get("Intercom-Version"):
            return _error("intercom_version_invalid", "The requested version could not be found", 400)
        if any(part in request.path for part in self.hidden):
            return _error("forbidden", "You do not have the permission to access this resource", 403)
        answer = self._routed(request)
        reset = str(seconds(self.clock()) // 10 * 10 + 10)
        answer.headers |= {
            "X-RateLimit-Limit": "1666",
            "X-RateLimit-Remaining": "1665",
            "X-RateLimit-Reset": reset,
        }
        return answer

    def _routed(self, request: Request) -> Answer:
        match [request.method, *request.path.strip("/").split("/")]:
            case ["POST", "contacts" | "conversations" | "tickets" as name, "search"]:
                return self._search(name, request.body)
            case ["GET", "companies", "scroll"]:
                return self._scrolled(request.get("scroll_param"))
            case ["POST", "companies", "list"]:
                companies = list(self.store.table("companies").values())[: int(request.get("per_page") or 15)]
                return Answer({"type": "list", "data": companies, "pages": {"type": "pages", "page": 1}})
            case ["GET", "admins" | "teams" as name]:
                listed = list(self.store.table(name).values())
                return Answer({"type": f"{name[:-1]}.list", name: listed})
        return _error("not_found", "The requested resource was not found", 404)

    def _search(self, name: str, body: Record) -> Answer:
        paging = body.get("pagination") or {}
        wanted = int(paging.get("per_page") or 20)
        if wanted > MAX_PAGE:
            return _error("parameter_invalid", "per_page must be at most 150", 400)
        found = list(self.store.table(name).values())
        for each in body["query"]["value"]:
            if each["operator"] not in ("=", "<", ">"):
                return _error("invalid_operator", f"{each['operator']} is not supported for dates", 400)
            found = [
                row for row in found if _meets(name, row[each["field"]], each["operator"], int(each["value"]))
            ]
        horizon = seconds(self.clock()) - self.quirks.lag_seconds
        found = [row for row in found if not self.quirks.lag_seconds or row["updated_at"] <= horizon]
        # The one that changed last comes first; a cursor names the last one that was given.
        found.sort(key=lambda row: (-row["updated_at"], row["id"]))
        try:
            after = base64.b64decode(paging.get("starting_after") or "").decode().split("|")
            place = (-int(after[0]), after[1]) if len(after) == 2 else None
        except ValueError:
            return _error("parameter_invalid", "starting_after is invalid", 400)
        rest = [row for row in found if place is None or (-row["updated_at"], row["id"]) > place]
        size = min(wanted, self.quirks.page_size or wanted)
        page = rest[:size]
        last = found[min(size, len(found)) - 1] if self.quirks.stuck and found else page[-1] if page else None
        if self.quirks.duplicates and place is not None:
            page = [*[row for row in found if row not in rest][-1:], *page]
        if self.quirks.unordered:
            page = page[::-1]
        pages: Record = {"type": "pages", "per_page": size, "total_pages": -(-len(found) // size)}
        if len(rest) > size and last is not None:
            cursor = base64.b64encode(f"{last['updated_at']}|{last['id']}".encode()).decode()
            pages["next"] = {"per_page": size, "starting_after": cursor}
        items = "data" if name == "contacts" else name
        return Answer({"type": "list", items: page, "total_count": len(found), "pages": pages})

    def _scrolled(self, name: str) -> Answer:
        now = self.clock()
        alive = self._scroll is not None and now - self._scroll[2] < _SCROLL_LIFE
        if not name:
            if alive:
                return _error("scroll_exists", "scroll already exists for this workspace", 400)
            self._scroll = (secrets.token_hex(8), 0, now)
        elif not alive or self._scroll is None or name != self._scroll[0]:
            return _error("not_found", "scroll parameter not found", 404)
        name, start, _ = self._scroll or ("", 0, now)
        size = min(SCROLL_PAGE, self.quirks.page_size or SCROLL_PAGE)
        companies = list(self.store.table("companies").values())
        page = companies[start : start + size]
        self._scroll = (name, 0 if self.quirks.stuck else start + size, now) if page else None
        return Answer({"type": "list", "data": page, "total_count": len(companies), "scroll_param": name})


def _meets(name: str, value: int, operator: str, wanted: int) -> bool:
    if name == "contacts":
        # Whatever second is asked for, contacts are compared by the day.
        value, wanted = value // _DAY, wanted // _DAY
    return {"=": value == wanted, "<": value < wanted, ">": value > wanted}[operator]


def _listed(contact: str) -> Record:
    return {"type": "contact.list", "contacts": [{"type": "contact", "id": contact}]}


def _error(code: str, message: str, status: int) -> Answer:
    return Answer({"type": "error.list", "errors": [{"code": code, "message": message}]}, status)


def build(store: Store) -> IntercomStandIn:
    """The stand-in over a store."""
    return IntercomStandIn(store)
