"""Pipedrive: version 2 by time of change, version 1 for users and for the history of deals."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, ClassVar

import requests
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from orchestration.sources.api.client import Client, Limits, NotFound, Record, Refusal, usual_refusal
from orchestration.sources.api.connector import Connector, Table, Window, batches
from orchestration.sources.pipedrive.records import Fields, activity, changes, person, user
from orchestration.sources.pipedrive.tables import FIELDS, TABLES
from orchestration.vendor_settings import Pipedrive

_PAGE = 500
_FLOW_PAGE = 100
_IDS_AT_ONCE = 100
_LIVE = "open,won,lost"
# Archived deals are in a list of their own and in no other.
_COMPLETED = {"person": person, "activity": activity}
_DEALS = ("/api/v2/deals", "/api/v2/deals/archived")


class PipedriveConnector(Connector[Pipedrive]):
    """A company's account, seen with the eyes of the user whom the token belongs to."""

    credentials: ClassVar[Mapping[str, str]] = {"api_token": "the API token of a user who sees everything"}

    def connect(self) -> Client:
        """The client; the token is a header of every request."""
        self._fields: dict[str, Fields] = {}
        self._states: dict[str, str] = {}
        return Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=20, seconds=2.0),
            headers={"x-api-token": self.secrets["api_token"]},
            secrets=self.secrets,
            refusal=refusal,
        )

    def tables(self) -> Sequence[Table]:
        """Every table of `tables.py`; the history of deals only where it is wanted."""
        return [table for table in TABLES if table.name != "deal_change" or self.source.deal_history]

    def state(self, table: Table) -> str | None:
        """The version of the names of the fields, and for deals which ones were deleted."""
        return self._states.get(table.name)

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Records changed in the window; everything once a field or an option was renamed."""
        match table.name:
            case "deal_change":
                return self._changes(window)
            case "stage":
                return self._listed(table.path)
            case "user":
                return ([user(each) for each in page] for page in self.client.pages(table.path, items="data"))
            case _:
                return self._objects(table, window)

    def probe(self, table: Table) -> None:
        """One record."""
        if table.name == "user":
            self.client.get(table.path, expect="data")
        elif table.name == "deal_change":
            for deal in chain.from_iterable(self._page_of_one(_DEALS[0])):
                self.client.get(f"{table.path}/{deal['id']}/flow", {"limit": 1}, expect="data")
        else:
            for path in (table.path, *([FIELDS[table.name]] if table.name in FIELDS else [])):
                next(self._page_of_one(path), None)

    def _page_of_one(self, path: str) -> Iterator[list[Record]]:
        yield self.client.get(path, {"limit": 1}, expect="data")["data"] or []

    # --- records ----------------------------------------------------------------------------------

    def _objects(self, table: Table, window: Window) -> Iterator[list[Record]]:
        fields = self._fields_of(table.name)
        before = json.loads(window.state or "{}")
        told = {"fields": fields.version}
        since = window.since if before.get("fields") == fields.version else None
        if table.name == "deal":
            pages = self._deals(since, before.get("deleted", []), told)
        else:
            pages = self._changed(table.path, since)
        for page in pages:
            read = [fields.record(each) for each in page]
            yield [_COMPLETED[table.name](each) for each in read] if table.name in _COMPLETED else read
        self._states[table.name] = json.dumps(told)

    def _deals(self, since: datetime | None, before: list[int], told: Record) -> Iterator[list[Record]]:
        """Deals that changed, and all that are deleted: for 30 days they are listed, then gone."""
        for path in _DEALS:
            yield from self._changed(path, since, status=_LIVE)
        deleted: list[int] = []
        for path in _DEALS:
            for page in self._changed(path, None, status="deleted"):
                deleted += [each["id"] for each in page]
                yield [each | {"is_deleted": True} for each in page]
        # Whoever left the list of the deleted was restored, which need not count as a change; or is gone.
        for some in batches(sorted(set(before) - set(deleted)), _IDS_AT_ONCE):
            for path in _DEALS:
                yield from self._listed(path, ids=",".join(map(str, some)), status=_LIVE)
        told["deleted"] = sorted(deleted)

    def _fields_of(self, name: str) -> Fields:
        if name not in self._fields:
            self._fields[name] = Fields(chain.from_iterable(self._listed(FIELDS[name])))
        return self._fields[name]

    def _changed(self, path: str, since: datetime | None, **params: str) -> Iterator[list[Record]]:
        """In the order of their changes, so that one that is changed meanwhile comes again at the end."""
        changed = {} if since is None else {"updated_since": _stamp(since)}
        return self._listed(path, sort_by="update_time", sort_direction="asc", **changed, **params)

    def _listed(self, path: str, **params: str) -> Iterator[list[Record]]:
        return self.client.pages(
            path,
            {"limit": _PAGE, **params},
            items="data",
            paginator=JSONResponseCursorPaginator(
                cursor_path="additional_data.next_cursor", cursor_param="cursor"
            ),
        )

    # --- history ----------------------------------------------------------------------------------

    def _changes(self, window: Window) -> Iterator[list[Record]]:
        """The whole history of every deal that changed: version 1 gives it deal by deal."""
        for path in _DEALS:
            for page in self._changed(path, window.since, status=_LIVE):
                yield list(chain.from_iterable(changes(deal, self._flow(deal["id"])) for deal in page))

    def _flow(self, deal: int) -> Iterator[Record]:
        path = f"/api/v1/deals/{deal}/flow"
        start = 0
        while True:
            params: dict[str, Any] = {"items": "dealChange", "start": start, "limit": _FLOW_PAGE}
            try:
                answer = self.client.get(path, params, expect="data")
            except NotFound:
                # Deleted or merged away since it was listed.
                return
            yield from answer["data"] or []
            place = (answer.get("additional_data") or {}).get("pagination") or {}
            if not place.get("more_items_in_collection"):
                return
            start = max(start + 1, int(place["next_start"]))


def refusal(response: requests.Response) -> Refusal | None:
    """A limit of two seconds says when it ends; the budget of the day does not end today."""
    if response.status_code == 429:
        left = response.headers.get("x-ratelimit-remaining", "")
        if response.headers.get("x-daily-requests-left") == "0" or (left.isdigit() and int(left) > 0):
            return Refusal("has no tokens left today (429)")
        reset = response.headers.get("x-ratelimit-reset", "")
        if reset.isdigit() and "Retry-After" not in response.headers:
            return Refusal("answered 429", retry=True, wait=float(reset))
    return usual_refusal(response)


def _stamp(at: datetime) -> str:
    return at.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
