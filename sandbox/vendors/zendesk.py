"""Zendesk's API over the records of one account: incremental exports, lists, metrics, ratings.

An export by cursor goes on behind the record it ended with; one by time gives the records of its last second
again when it is asked from there. Deleted tickets stay in the export without their text.
"""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sandbox import ids
from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

EXPORT_PAGE = 1000
_LIST_PAGE = 100
_EXPORTS_A_MINUTE = 10
_SCRUBBED = "SCRUBBED"


def stamp(at: datetime) -> str:
    """A moment as Zendesk writes it, to the second."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """A moment as Zendesk writes it."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def seconds(at: datetime) -> int:
    """A moment in seconds since 1970."""
    return int(at.replace(tzinfo=UTC).timestamp())


class Account:
    """The records of an account and what people do to them. Every change is stamped by the clock."""

    def __init__(self, stand_in: "ZendeskStandIn") -> None:
        self._stand_in = stand_in
        self._made = 0

    def records(self, name: str) -> dict[str, Record]:
        """The records of a table by id."""
        return self._stand_in.store.table(name)

    def create(self, name: str, /, **fields: Any) -> str:
        """A new record; returns its id."""
        self._made += 1
        key = ids.zendesk(name, str(self._made))
        now = stamp(self._stand_in.clock())
        usual: Record = {"id": int(key), "created_at": now, "updated_at": now}
        if name == "tickets":
            usual |= {"status": "new", "subject": "Help", "custom_fields": [], "satisfaction_rating": None}
            usual |= {
                "_metrics": {"reopens": 0, "solved_at": None, "reply_time_in_minutes": {"calendar": None}}
            }
        if name == "users":
            usual |= {"role": "end-user", "active": True, "user_fields": {}}
        if name == "organizations":
            usual |= {"domain_names": [], "organization_fields": {}, "deleted_at": None}
        if name == "groups":
            usual |= {"deleted": False}
        self.records(name)[key] = {**usual, **fields}
        self._touch(name, key)
        return key

    def update(self, name: str, key: str, /, *, silently: bool = False, **fields: Any) -> None:
        """Change fields; `silently` as a rule of the system does, which moves only the export's stamp."""
        record = self.records(name)[key]
        record |= fields
        if not silently:
            record["updated_at"] = stamp(self._stand_in.clock())
        self._touch(name, key)

    def reply(self, ticket: str) -> None:
        """An agent answers in public."""
        record = self.records("tickets")[ticket]
        waited = (self._stand_in.clock() - moment(record["created_at"])) // timedelta(minutes=1)
        measures = record["_metrics"]
        if measures["reply_time_in_minutes"]["calendar"] is None:
            measures["reply_time_in_minutes"]["calendar"] = waited
        self.update("tickets", ticket, status="open" if record["status"] == "new" else record["status"])

    def solve(self, ticket: str) -> None:
        """Solved, for now."""
        self.records("tickets")[ticket]["_metrics"]["solved_at"] = stamp(self._stand_in.clock())
        self.update("tickets", ticket, status="solved")

    def reopen(self, ticket: str) -> None:
        """Not solved after all."""
        measures = self.records("tickets")[ticket]["_metrics"]
        measures |= {"reopens": measures["reopens"] + 1, "solved_at": None}
        self.update("tickets", ticket, status="open")

    def delete(self, name: str, key: str) -> None:
        """Deleted; a ticket can come back for 30 days."""
        record = self.records(name)[key]
        if name == "tickets":
            record["_before"] = {each: record[each] for each in ("status", "subject")}
            self.update(name, key, status="deleted", subject=_SCRUBBED)
        elif name == "users":
            self.update(name, key, active=False)
        elif name == "organizations":
            self.update(name, key, deleted_at=stamp(self._stand_in.clock()))
        else:
            self.update(name, key, deleted=True)

    def restore(self, ticket: str) -> None:
        """Out of the list of deleted tickets."""
        self.update("tickets", ticket, **self.records("tickets")[ticket].pop("_before"))

    def rate(self, ticket: str, score: str, comment: str = "") -> str:
        """The requester says whether it was good; returns the id of the rating."""
        record = self.records("tickets")[ticket]
        self.update("tickets", ticket, satisfaction_rating={"score": score, "comment": comment})
        return self.create(
            "satisfaction_ratings",
            ticket_id=int(ticket),
            requester_id=record.get("requester_id"),
            score=score,
            comment=comment,
        )

    def _touch(self, name: str, key: str) -> None:
        """Move the record to the end of the export."""
        record = self.records(name)[key]
        record["_touched"] = seconds(self._stand_in.clock())


class ZendeskStandIn(StandIn):
    """One account."""

    kind: ClassVar[str] = "zendesk"
    credentials: ClassVar = {"email": "agent@example.com", "api_token": "sandbox-token"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.account = Account(self)
        # Parts of paths that this agent may not read.
        self.hidden: set[str] = set()
        self._exported: list[datetime] = []

    def answer(self, request: Request) -> Answer:
        """As Zendesk would."""
        wanted = base64.b64encode("{email}/token:{api_token}".format(**self.credentials).encode()).decode()
        if request.headers.get("Authorization") != f"Basic {wanted}":
            return Answer({"error": "Couldn't authenticate you"}, 401)
        if any(part in request.path for part in self.hidden):
            return Answer({"error": "Forbidden", "description": "You do not have access to this page."}, 403)
        match request.path.removesuffix(".json").strip("/").split("/"):
            case ["api", "v2", "incremental", "tickets" | "users" as name, "cursor"]:
                return self._limited() or self._by_cursor(name, request)
            case ["api", "v2", "incremental", "organizations"]:
                return self._limited() or self._by_time("organizations", request)
            case ["api", "v2", "tickets", "show_many"]:
                return self._many(request)
            case ["api", "v2", "groups" | "organizations" | "satisfaction_ratings" as name]:
                return self._list(name, request)
        return Answer({"error": "InvalidEndpoint", "description": "Not found"}, 404)

    def _limited(self) -> Answer | None:
        """Ten exports a minute."""
        now = self.clock()
        self._exported = [at for at in self._exported if now - at < timedelta(minutes=1)]
        if len(self._exported) >= _EXPORTS_A_MINUTE:
            wait = timedelta(minutes=1) - (now - self._exported[0])
            headers = {"Retry-After": str(int(wait.total_seconds()) + 1), "rate-limit-remaining": "0"}
            return Answer({"error": "APIRateLimitExceeded"}, 429, headers)
        self._exported.append(now)
        return None

    def _in_order(self, name: str) -> list[Record]:
        """As the export goes: by stamp, then by id. What is younger than its lag is not there yet."""
        horizon = seconds(self.clock() - timedelta(seconds=self.quirks.lag_seconds))
        found = [each for each in self.store.table(name).values() if each["_touched"] <= horizon]
        return sorted(found, key=lambda each: (each["_touched"], each["id"]))

    def _by_cursor(self, name: str, request: Request) -> Answer:
        cursor = request.get("cursor")
        try:
            at, key = map(int, base64.b64decode(cursor).decode().split("||")) if cursor else (0, 0)
        except ValueError:
            return Answer({"error": "InvalidValue", "description": "Invalid cursor"}, 400)
        if not cursor:
            start = int(request.get("start_time") or 0)
            if start > seconds(self.clock()) - 60:
                return Answer({"error": "StartTimeTooRecent"}, 422)
            at, key = start, -1
        found = [each for each in self._in_order(name) if (each["_touched"], each["id"]) > (at, key)]
        size = self.quirks.page_size or EXPORT_PAGE
        page = found[:size]
        last = (page[-1]["_touched"], page[-1]["id"]) if page else (at, key)
        if self.quirks.stuck:
            last = (at, key)
        after = base64.b64encode(f"{last[0]}||{last[1]}".encode()).decode()
        return Answer(
            {
                name: [self._shown(name, each) for each in page],
                "after_cursor": after,
                "end_of_stream": len(found) <= size,
            }
        )

    def _by_time(self, name: str, request: Request) -> Answer:
        start = int(request.get("start_time"))
        if start > seconds(self.clock()) - 60:
            return Answer({"error": "StartTimeTooRecent"}, 422)
        found = [each for each in self._in_order(name) if each["_touched"] >= start]
        size = self.quirks.page_size or EXPORT_PAGE
        page = found[:size]
        end = page[-1]["_touched"] if page else start
        return Answer(
            {
                name: [self._shown(name, each) for each in page],
                "count": len(page),
                "end_time": end,
                "end_of_stream": len(found) <= size,
            }
        )

    def _shown(self, name: str, record: Record) -> Record:
        shown = {field: value for field, value in record.items() if not field.startswith("_")}
        if name == "tickets":
            shown["generated_timestamp"] = record["_touched"]
        return shown

    def _many(self, request: Request) -> Answer:
        wanted = request.get("ids").split(",")
        if len(wanted) > _LIST_PAGE:
            return Answer({"error": "TooManyValues"}, 400)
        found: Iterable[Record | None] = map(self.store.table("tickets").get, wanted)
        shown = []
        for each in found:
            if each is not None and each["status"] != "deleted":
                extra = {"metric_set": each["_metrics"]} if "metric_sets" in request.get("include") else {}
                shown.append(self._shown("tickets", each) | extra)
        return Answer({"tickets": shown, "count": len(shown)})

    def _list(self, name: str, request: Request) -> Answer:
        found = list(self.store.table(name).values())
        if name == "organizations":
            found = [each for each in found if each["deleted_at"] is None]
        if start := int(request.get("start_time") or 0):
            found = [each for each in found if seconds(moment(each["created_at"])) >= start]
        size = min(
            int(request.get("page[size]") or _LIST_PAGE), _LIST_PAGE, self.quirks.page_size or _LIST_PAGE
        )
        try:
            begin = int(base64.b64decode(request.get("page[after]")) or 0)
        except ValueError:
            return Answer({"error": "InvalidPaginationParameter"}, 400)
        end = begin + size
        page = found[max(0, begin - 1) if self.quirks.duplicates else begin : end]
        if self.quirks.unordered:
            page.reverse()
        after = base64.b64encode(str(size if self.quirks.stuck else end).encode()).decode()
        return Answer(
            {
                name: [self._shown(name, each) for each in page],
                "meta": {"has_more": end < len(found), "after_cursor": after, "before_cursor": None},
            }
        )


def build(store: Store) -> ZendeskStandIn:
    """The stand-in over a store."""
    return ZendeskStandIn(store)
