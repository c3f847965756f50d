"""Mailshake's API over the records of one team: lists of everything, newest activity first.

All requests are POST. Nothing can be asked for what changed; a list is read to its end or not at all. An hour
has so many units of quota, and when they are used up the message, and only it, says until when.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

_LARGEST = {"sent": 25}
_UNITS = {
    "campaigns": 10,
    "recipients": 10,
    "sent": 1,
    "opens": 2,
    "clicks": 3,
    "replies": 10,
}
# Path → table. The activity lists come newest first.
_LISTS = {
    "team/list-members": "members",
    "senders/list": "senders",
    "campaigns/list": "campaigns",
    "recipients/list": "recipients",
    "leads/list": "leads",
    "activity/sent": "sent",
    "activity/opens": "opens",
    "activity/clicks": "clicks",
    "activity/replies": "replies",
}
ACTIVITIES = ("sent", "opens", "clicks", "replies")


def stamp(at: datetime) -> str:
    """A moment as Mailshake writes it, to the millisecond."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


class Team:
    """The records of a team and what people do to them. Every change is stamped by the clock."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._made = max(
            (int(key) for table in store.tables.values() for key in table if key.isdigit()), default=0
        )

    def records(self, name: str) -> dict[str, Record]:
        """The records of a table by id."""
        return self._store.table(name)

    def member(self, address: str, name: str, **fields: Any) -> str:
        """Somebody of the team."""
        first, _, last = name.partition(" ")
        usual: Record = {"emailAddress": address, "fullName": name, "first": first, "last": last, "teamID": 1}
        usual |= {"teamName": "Team", "isTeamAdmin": False, "isDisabled": False, "teamBlockedDate": None}
        return self._add("members", {"object": "user", **usual, **fields})

    def sender(self, address: str, name: str) -> str:
        """A mail account that campaigns are sent from."""
        record = {"object": "sender", "emailAddress": address, "fromName": name}
        return self._add("senders", {**record, "created": self._now()})

    def campaign(self, title: str, sender: str | None = None) -> str:
        """A campaign with one message."""
        key = self._add(
            "campaigns",
            {
                "object": "campaign",
                "title": title,
                "created": self._now(),
                "isArchived": False,
                "isPaused": False,
                "messages": [{"object": "message", "id": 1, "type": "initial", "subject": "Hello"}],
                "sender": self.records("senders")[sender] if sender else None,
            },
        )
        return key

    def recipient(self, campaign: str, address: str, name: str, **fields: str) -> str:
        """Somebody a campaign writes to; `fields` are merge fields."""
        first, _, last = name.partition(" ")
        usual = {"emailAddress": address, "fullName": name, "first": first, "last": last}
        return self._add(
            "recipients",
            {
                "object": "recipient",
                **usual,
                "created": self._now(),
                "isPaused": False,
                "contactID": sum(address.lower().encode()),
                "fields": fields,
                "_campaign": campaign,
            },
        )

    def send(self, recipient: str, address: str, *, by_hand: bool = False) -> str:
        """An e-mail goes out from an address."""
        to = self.records("recipients")[recipient]
        record: Record = {
            "type": "one-off" if by_hand else "campaign-message",
            "from": {"object": "email-address", "address": address, "fullName": None},
            "to": [{"object": "email-address", "address": to["emailAddress"], "fullName": to["fullName"]}],
            "subject": "Hello",
            "rawBody": f"<p>Dear {to['fullName']}</p>",
            "body": f"<p>Dear {to['fullName']}</p>",
            "plainTextBody": f"Dear {to['fullName']}",
        }
        if not by_hand:
            record["message"] = {"object": "message", "id": 1, "type": "initial"}
        return self._happened("sent", "sent-message", recipient, record)

    def open(self, sent: str) -> str:
        """An e-mail is opened."""
        return self._answered("opens", "open", sent, {})

    def click(self, sent: str, link: str) -> str:
        """A link is clicked."""
        return self._answered("clicks", "click", sent, {"link": link})

    def reply(self, sent: str, kind: str = "reply", text: str = "Yes") -> str:
        """Something comes back: a reply, a bounce, a request to unsubscribe."""
        record = {"type": kind, "subject": "Re: Hello", "body": text, "plainTextBody": text}
        return self._happened("replies", "reply", self.records("sent")[sent]["_recipient"], record)

    def lead(self, recipient: str, member: str | None = None) -> str:
        """A recipient becomes a prospect."""
        now = self._now()
        record: Record = {"created": now, "openedDate": now, "lastStatusChangeDate": None, "status": "open"}
        record["assignedTo"] = self.records("members")[member] if member else None
        return self._about("leads", "lead", recipient, record)

    def settle(self, lead: str, status: str) -> None:
        """A lead is closed, ignored or opened again."""
        self.records("leads")[lead] |= {"status": status, "lastStatusChangeDate": self._now()}

    def update(self, name: str, key: str, **fields: Any) -> None:
        """Change fields; nothing says when."""
        self.records(name)[key] |= fields

    def delete(self, name: str, key: str) -> None:
        """Gone without a trace, with everything that belonged to it."""
        del self.records(name)[key]
        link = {"campaigns": "_campaign", "recipients": "_recipient"}.get(name, "")
        for table in ("recipients", "leads", *ACTIVITIES) if link else ():
            for other in [each for each, record in self.records(table).items() if record.get(link) == key]:
                del self.records(table)[other]

    def _answered(self, table: str, kind: str, sent: str, record: Record) -> str:
        known = {"_sent": sent, **record}
        before = [each for each in self.records(table).values() if known.items() <= each.items()]
        recipient = self.records("sent")[sent]["_recipient"]
        return self._happened(table, kind, recipient, {**known, "isDuplicate": bool(before)})

    def _happened(self, table: str, kind: str, recipient: str, record: Record) -> str:
        return self._about(table, kind, recipient, {"actionDate": self._now(), **record})

    def _about(self, table: str, kind: str, recipient: str, record: Record) -> str:
        to = self.records("recipients")[recipient]
        campaign = self.records("campaigns")[to["_campaign"]]
        shown = {
            name: to[name] for name in ("object", "id", "emailAddress", "fullName", "first", "last", "fields")
        }
        return self._add(
            table,
            {
                "object": kind,
                "recipient": shown,
                "contactID": to["contactID"],
                "campaign": {name: campaign[name] for name in ("object", "id", "title", "created")},
                "_recipient": recipient,
                "_campaign": to["_campaign"],
                **record,
            },
        )

    def _add(self, table: str, record: Record) -> str:
        self._made += 1
        # Ids of senders are text, all others numbers.
        key = str(self._made)
        self.records(table)[key] = {"id": key if table == "senders" else self._made, **record}
        return key

    def _now(self) -> str:
        return stamp(self._clock())


class MailshakeStandIn(StandIn):
    """One team. `units` is what an hour's quota comes to."""

    kind: ClassVar[str] = "mailshake"
    credentials: ClassVar = {"api_key": "sandbox-mailshake-key"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.team = Team(store, lambda: self.clock())
        self.units = 1_000_000
        self.nested_errors = False
        # Groups of lists that the key's user may not read.
        self.hidden: set[str] = set()
        self._hour: datetime | None = None
        self._used = 0

    def answer(self, request: Request) -> Answer:
        """As Mailshake would."""
        body = request.body if isinstance(request.body, dict) else {}
        if not self._knows(request, body):
            return self._error(400, "invalid_api_key", "The API key you provided is invalid.")
        path = "/".join(request.path.strip("/").split("/")[-2:])
        if path.endswith("me"):
            return Answer({"object": "user", "id": 1, "teamID": 1, "teamName": "Team"})
        table = _LISTS.get(path)
        if table is None:
            return self._error(404, "not_found", "There is no such endpoint.")
        if path.split("/")[0] in self.hidden:
            return self._error(403, "not_authorized", "Your user may not see this.")
        return self._limited(_UNITS.get(table, 1)) or self._list(table, body)

    def _knows(self, request: Request, body: Record) -> bool:
        key = self.credentials["api_key"]
        if key in (body.get("apiKey"), request.get("apiKey")):
            return True
        scheme, _, sent = request.headers.get(
            "Authorization", request.headers.get("authorization", "")
        ).partition(" ")
        # The vendor's own client sends the key without the colon.
        return scheme == "Basic" and base64.b64decode(sent).decode().removesuffix(":") == key

    def _limited(self, units: int) -> Answer | None:
        hour = self.clock().replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._used = hour, 0
        self._used += units
        if self._used <= self.units:
            return None
        again = stamp(hour + timedelta(hours=1))
        return self._error(400, "limit_reached", f"Please wait and try again after: {again}")

    def _error(self, status: int, code: str, message: str) -> Answer:
        if self.nested_errors:
            return Answer({"error": {"code": code, "message": message}}, status)
        return Answer({"error": message, "code": code, "time": stamp(self.clock())}, status)

    def _list(self, table: str, body: Record) -> Answer:
        found = list(self.store.table(table).values())
        if table in ACTIVITIES:
            found.sort(key=lambda each: (each["actionDate"], each["id"]), reverse=True)
        if table == "recipients":
            campaign = str(body.get("campaignID"))
            if campaign not in self.store.table("campaigns"):
                return self._error(404, "not_found", "There is no such campaign.")
            found = [each for each in found if each["_campaign"] == campaign]
        largest = _LARGEST.get(table, 100)
        size = min(int(body.get("perPage") or largest), largest, self.quirks.page_size or largest)
        try:
            begin = int(base64.urlsafe_b64decode(body.get("nextToken") or b"").decode() or 0)
        except ValueError:
            return self._error(400, "invalid_parameter", "nextToken is invalid.")
        end = begin + size
        page = found[max(0, begin - 1) if self.quirks.duplicates else begin : end]
        if self.quirks.unordered:
            page.reverse()
        token = base64.urlsafe_b64encode(str(size if self.quirks.stuck else end).encode()).decode()
        # Some lists end with null, some with nothing in it.
        last = None if table in ACTIVITIES else ""
        return Answer(
            {"nextToken": token if end < len(found) else last, "results": [_shown(each) for each in page]}
        )


def _shown(record: Record) -> Record:
    return {name: value for name, value in record.items() if not name.startswith("_")}


def moment(text: str) -> datetime:
    """A moment as Mailshake writes it."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def build(store: Store) -> MailshakeStandIn:
    """The stand-in over a store."""
    return MailshakeStandIn(store)
