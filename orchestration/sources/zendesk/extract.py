"""Zendesk: incremental exports of tickets, users and organizations, lists of the rest."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from requests.auth import HTTPBasicAuth

from orchestration.errors import SourceFailed
from orchestration.sources.api.client import Client, Limits, Record
from orchestration.sources.api.connector import Connector, Table, Window
from orchestration.sources.zendesk.records import organization, ticket, user
from orchestration.sources.zendesk.tables import TABLES
from orchestration.vendor_settings import Zendesk

_PAGE = 100
_EXPORT_PAGE = 1000
# An export may not begin later than a minute ago.
_EXPORT_DELAY = timedelta(seconds=61)
_EXPORTS = Limits(calls=10, seconds=60.0)
_OTHERS = Limits(calls=180, seconds=60.0)


class ZendeskConnector(Connector[Zendesk]):
    """One account, read by an agent with an API token."""

    credentials: ClassVar[Mapping[str, str]] = {
        "email": "e-mail address of the agent the token belongs to",
        "api_token": "an API token of the account",
    }

    def connect(self) -> Client:
        """Exports have a limit of their own, and so a client of their own."""
        self._exports = self._client(_EXPORTS)
        self._cursors: dict[str, str] = {}
        return self._client(_OTHERS)

    def _client(self, limits: Limits) -> Client:
        return Client(
            self.source.name,
            self.base_url,
            limits=limits,
            auth=HTTPBasicAuth(f"{self.secrets['email']}/token", self.secrets["api_token"]),
            secrets=self.secrets,
        )

    def close(self) -> None:
        """Close both clients."""
        self._exports.close()
        super().close()

    def tables(self) -> Sequence[Table]:
        """Every table of `tables.py`."""
        return TABLES

    def state(self, table: Table) -> str | None:
        """Where the next export goes on."""
        return self._cursors.get(table.name)

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Records changed in the window; groups come whole."""
        match table.name:
            case "ticket":
                return map(self._with_metrics, self._exported(table, window))
            case "user":
                return ([user(each) for each in page] for page in self._exported(table, window))
            case "organization":
                return ([organization(each) for each in page] for page in self._organizations(window))
            case "satisfaction_rating":
                since = {"start_time": _seconds(window.since)} if window.since else {}
                return self._listed("/api/v2/satisfaction_ratings", "satisfaction_ratings", since)
            case _:
                return self._listed("/api/v2/groups", "groups", {})

    def probe(self, table: Table) -> None:
        """One page: what an export costs one of ten calls a minute, the rest is free."""
        if "/incremental/" in table.path:
            start = _seconds(datetime.now(UTC).replace(tzinfo=None) - 2 * _EXPORT_DELAY)
            self._exports.get(table.path, {"start_time": start})
        else:
            next(self._listed(table.path, f"{table.name}s", {"page[size]": 1}), None)

    def _exported(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Everything that was touched since the cursor of the last read, deleted records among it."""
        params: dict[str, Any] = (
            {"cursor": window.state} if window.state else {"start_time": self._start(window)}
        )
        while True:
            answer = self._exports.get(table.path, params)
            yield self._list(table.path, answer, f"{table.name}s")
            cursor = answer.get("after_cursor")
            if cursor:
                self._cursors[table.name] = cursor
            if answer.get("end_of_stream", True):
                return
            if not cursor or cursor == params.get("cursor"):
                raise self._failure(table.path, "does not move its cursor")
            params = {"cursor": cursor}

    def _start(self, window: Window) -> int:
        if window.since is None:
            return 0
        return _seconds(min(window.since, window.until - _EXPORT_DELAY))

    def _with_metrics(self, page: list[Record]) -> list[Record]:
        """Tickets with their metrics, which the export leaves out and deleted tickets have lost."""
        measured: dict[object, Any] = {}
        ids = [each["id"] for each in page if each.get("status") != "deleted"]
        for start in range(0, len(ids), _PAGE):
            some = ",".join(map(str, ids[start : start + _PAGE]))
            answer = self.client.get("/api/v2/tickets/show_many", {"ids": some, "include": "metric_sets"})
            for each in self._list("/api/v2/tickets/show_many", answer, "tickets"):
                measured[each["id"]] = each.get("metric_set")
        return [ticket(each, measured.get(each["id"])) for each in page]

    def _organizations(self, window: Window) -> Iterator[list[Record]]:
        """This export goes by the second: a page ends with all records of its last second."""
        start = self._start(window)
        while True:
            answer = self._exports.get("/api/v2/incremental/organizations", {"start_time": start})
            page = self._list("/api/v2/incremental/organizations", answer, "organizations")
            yield page
            end = answer.get("end_time")
            if answer.get("end_of_stream", len(page) < _EXPORT_PAGE) or end is None:
                return
            if end <= start:
                # More records of one second than a page holds: the export would give the same page for ever.
                yield from self._listed("/api/v2/organizations", "organizations", {})
                return
            start = end

    def _listed(self, path: str, items: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
        return self.client.pages(
            path,
            {"page[size]": _PAGE, **params},
            items=items,
            # The last page has a cursor, too.
            paginator=JSONResponseCursorPaginator(
                cursor_path="meta.after_cursor", cursor_param="page[after]", has_more_path="meta.has_more"
            ),
        )

    def _list(self, path: str, answer: Any, items: str) -> list[Record]:
        found = answer.get(items) if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise self._failure(path, f"answered 200 without a list under '{items}'")
        return found

    def _failure(self, path: str, reason: str) -> SourceFailed:
        return SourceFailed(f"Source '{self.source.name}': {path} {reason}; nothing of this read counts.")


def _seconds(at: datetime) -> int:
    return int(at.replace(tzinfo=UTC).timestamp())
