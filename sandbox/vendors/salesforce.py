"""Salesforce's REST API over the records of one org: OAuth, describe, query and queryAll.

SOQL is understood as far as extraction needs it: fields of one object, conditions joined by AND, ORDER BY Id,
LIMIT, COUNT(). What is not understood is a 400, as there.
"""

import re
import secrets
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sandbox import ids
from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

PAGE_SIZE = 2000
_MAX_LINE_BYTES = 16_384
_TOKEN_LIFE = timedelta(hours=2)
_QUERY = re.compile(
    r"SELECT (?P<fields>.+?) FROM (?P<object>\w+)(?: WHERE (?P<where>.+?))?(?: ORDER BY Id)?"
    r"(?: LIMIT (?P<limit>\d+))?"
)
_CONDITION = re.compile(r"(?P<field>\w+) ?(?P<sign>>=|<=|=|<|>| IN) ?(?P<value>\([^)]*\)|\S+)")
# Objects that have no bin: users are deactivated, and history goes with its record.
_UNDELETABLE = {"User", "UserRole"}
PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "User": "005",
    "Opportunity": "006",
    "OpportunityHistory": "008",
    "OpportunityFieldHistory": "017",
    "LeadHistory": "017",
    "OpportunityContactRole": "00K",
    "Lead": "00Q",
    "Task": "00T",
    "Event": "00U",
    "UserRole": "00E",
    "Campaign": "701",
    "CampaignMember": "00v",
}


def stamp(at: datetime) -> str:
    """A moment as Salesforce writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def moment(text: str) -> datetime:
    """A moment as Salesforce, or a SOQL query, writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)


class Org:
    """The records of an org and what users do to them. Every change is stamped by the clock."""

    def __init__(self, stand_in: "SalesforceStandIn") -> None:
        self._stand_in = stand_in
        self._made = 0

    def records(self, name: str) -> dict[str, Record]:
        """The records of an object by id."""
        return self._stand_in.store.table(name)

    def create(self, name: str, **fields: Any) -> str:
        """A new record; returns its id."""
        self._made += 1
        key = ids.salesforce(PREFIXES.get(name, "a01"), f"{name} {self._made}")
        now = self._now()
        record = {"Id": key, **fields, "CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
        if name not in _UNDELETABLE:
            record["IsDeleted"] = False
        self.records(name)[key] = record
        return key

    def update(self, name: str, key: str, *, silently: bool = False, **fields: Any) -> None:
        """Change fields; `silently` as a calculated field does, which moves no date."""
        record = self.records(name)[key]
        record |= fields
        if not silently:
            record["LastModifiedDate"] = record["SystemModstamp"] = self._now()

    def delete(self, name: str, key: str) -> None:
        """Into the bin."""
        self.records(name)[key] |= {"IsDeleted": True, "SystemModstamp": self._now()}

    def undelete(self, name: str, key: str) -> None:
        """Out of the bin."""
        self.records(name)[key] |= {"IsDeleted": False, "SystemModstamp": self._now()}

    def purge(self, name: str, key: str) -> None:
        """Gone, from the bin, too."""
        del self.records(name)[key]

    def merge(self, name: str, winner: str, loser: str) -> None:
        """The loser goes into the bin and says where it went; what belonged to it belongs to the winner."""
        self.records(name)[loser]["MasterRecordId"] = winner
        self.delete(name, loser)
        fields = {"Account": ("AccountId", "ParentId"), "Contact": ("ContactId", "WhoId"), "Lead": ("WhoId",)}
        for other in self._stand_in.store.tables:
            for record in self.records(other).values():
                for field in fields.get(name, ()):
                    if record.get(field) == loser:
                        record |= {
                            field: winner,
                            "LastModifiedDate": self._now(),
                            "SystemModstamp": self._now(),
                        }

    def _now(self) -> str:
        return stamp(self._stand_in.clock())


class SalesforceStandIn(StandIn):
    """One org."""

    kind: ClassVar[str] = "salesforce"
    credentials: ClassVar = {"client_id": "sandbox-app", "client_secret": "sandbox-secret"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.org = Org(self)
        # Objects that this user may not see, though the org has them.
        self.hidden: set[str] = set()
        self.daily_calls = 100_000
        self._tokens: dict[str, datetime] = {}
        self._cursors: dict[str, tuple[list[Record], int]] = {}
        self._calls = 0

    def expire_tokens(self) -> None:
        """Forget every token that was given out."""
        self._tokens.clear()

    def answer(self, request: Request) -> Answer:
        """As Salesforce would."""
        if request.path == "/services/oauth2/token":
            return self._token(request)
        if self._tokens.get(request.headers.get("Authorization", ""), datetime.min) < self.clock():
            return _error("Session expired or invalid", "INVALID_SESSION_ID", 401)
        self._calls += 1
        if self._calls > self.daily_calls:
            return _error("TotalRequests Limit exceeded.", "REQUEST_LIMIT_EXCEEDED", 403)
        answer = self._data(request)
        answer.headers["Sforce-Limit-Info"] = f"api-usage={self._calls}/{self.daily_calls}"
        return answer

    def _token(self, request: Request) -> Answer:
        form = request.body or {}
        if form.get("grant_type") != "client_credentials" or any(
            form.get(name) != value for name, value in self.credentials.items()
        ):
            return Answer({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        token = f"00D{secrets.token_hex(12)}"
        self._tokens[f"Bearer {token}"] = self.clock() + _TOKEN_LIFE
        return Answer({"access_token": token, "instance_url": self.base_url, "token_type": "Bearer"})

    def _data(self, request: Request) -> Answer:
        found = re.fullmatch(r"/services/data/v\d+\.\d/(?P<rest>.+)", request.path)
        match found["rest"].split("/") if found else []:
            case ["sobjects"]:
                names = sorted(name for name in self.store.tables if name not in self.hidden)
                return Answer({"encoding": "UTF-8", "sobjects": [{"name": name} for name in names]})
            case ["sobjects", name, "describe"] if name in self.store.tables and name not in self.hidden:
                return Answer({"name": name, "fields": self._described(name)})
            case ["query", locator]:
                return self._next(locator)
            case ["query" | "queryAll" as command]:
                return self._query(request.get("q"), deleted_too=command == "queryAll")
        return _error("The requested resource does not exist", "NOT_FOUND", 404)

    def _described(self, name: str) -> list[dict[str, str]]:
        fields = [{"name": field, "type": _type(field, values)} for field, values in self._values(name)]
        if any(field["name"] == "BillingCity" for field in fields):
            fields.append({"name": "BillingAddress", "type": "address"})
        return fields

    def _values(self, name: str) -> Iterator[tuple[str, Any]]:
        """Every field of an object with one of its values."""
        seen: dict[str, Any] = {}
        for record in self.store.table(name).values():
            for field, value in record.items():
                if seen.get(field) is None and not field.startswith("_"):
                    seen[field] = value
        for field in ("Id", "SystemModstamp", "CreatedDate", "IsDeleted"):
            if field != "IsDeleted" or name not in _UNDELETABLE:
                seen.setdefault(field, None)
        return iter(seen.items())

    def _query(self, soql: str, *, deleted_too: bool) -> Answer:
        if len(soql.encode()) > _MAX_LINE_BYTES:
            return _error("URI Too Long", "URI_TOO_LONG", 414)
        parsed = _QUERY.fullmatch(soql)
        if not parsed:
            return _error("unexpected token", "MALFORMED_QUERY", 400)
        name = parsed["object"]
        if name not in self.store.tables or name in self.hidden:
            return _error(f"sObject type '{name}' is not supported.", "INVALID_TYPE", 400)
        fields = [field.strip() for field in parsed["fields"].split(",")]
        known = dict(self._values(name))
        unknown = [field for field in fields if field not in known and field != "COUNT()"]
        if unknown:
            return _error(f"No such column '{unknown[0]}' on entity '{name}'.", "INVALID_FIELD", 400)
        chosen = list(self._chosen(name, parsed["where"] or "", deleted_too))
        if parsed["limit"]:
            chosen = chosen[: int(parsed["limit"])]
        if fields == ["COUNT()"]:
            return Answer({"totalSize": len(chosen), "done": True, "records": []})
        shown = [{"attributes": {"type": name}, **{field: r.get(field) for field in fields}} for r in chosen]
        return self._page(shown, 0, f"01g{secrets.token_hex(7)}")

    def _chosen(self, name: str, where: str, deleted_too: bool) -> Iterator[Record]:
        conditions = [_condition(text) for text in where.split(" AND ") if text]
        horizon = stamp(self.clock() - timedelta(seconds=self.quirks.lag_seconds))
        for record in self.store.table(name).values():
            if record.get("IsDeleted") and not deleted_too:
                continue
            if self.quirks.lag_seconds and record["SystemModstamp"] > horizon:
                continue
            if all(_holds(record.get(field), sign, value) for field, sign, value in conditions):
                yield record

    def _page(self, records: list[Record], start: int, cursor: str) -> Answer:
        size = min(PAGE_SIZE, self.quirks.page_size or PAGE_SIZE)
        end = start + size
        page = records[max(0, start - 1) if self.quirks.duplicates else start : end]
        if self.quirks.unordered:
            page.reverse()
        answer: dict[str, Any] = {"totalSize": len(records), "done": end >= len(records), "records": page}
        if end < len(records):
            self._cursors[cursor] = (records, end)
            position = size if self.quirks.stuck else end
            answer["nextRecordsUrl"] = f"/services/data/v62.0/query/{cursor}-{position}"
        return Answer(answer)

    def _next(self, locator: str) -> Answer:
        cursor, _, position = locator.rpartition("-")
        if cursor not in self._cursors or not position.isdigit():
            return _error("invalid query locator", "INVALID_QUERY_LOCATOR", 400)
        return self._page(self._cursors[cursor][0], int(position), cursor)


def _error(message: str, code: str, status: int) -> Answer:
    return Answer([{"message": message, "errorCode": code}], status)


def _condition(text: str) -> tuple[str, str, Any]:
    found = _CONDITION.fullmatch(text.strip())
    assert found, f"a condition nobody asked for before: {text}"
    value: Any = found["value"]
    if found["sign"].strip() == "IN":
        value = set(re.findall(r"'([^']*)'", value))
    elif value in ("true", "false"):
        value = value == "true"
    elif value.startswith("'"):
        value = value.strip("'")
    return found["field"], found["sign"].strip(), value


def _holds(found: Any, sign: str, wanted: Any) -> bool:
    if sign == "IN":
        return found in wanted
    if sign == "=":
        return bool(found == wanted)
    if found is None:
        return False
    left, right = (moment(found), moment(wanted)) if "T" in str(wanted) else (str(found), str(wanted))
    return bool(
        {">=": left >= right, "<=": left <= right, "<": left < right, ">": left > right}[sign]  # type: ignore[operator]
    )


def _type(field: str, value: Any) -> str:
    if field == "Id":
        return "id"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "double"
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}T.*", value):
        return "datetime"
    if isinstance(value, str) and _is_day(value):
        return "date"
    return "string"


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def build(store: Store) -> SalesforceStandIn:
    """The stand-in over a store."""
    return SalesforceStandIn(store)
