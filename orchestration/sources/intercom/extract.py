"""Intercom: searches by time of change, the scroll of companies, lists of admins and teams."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import requests

from orchestration.errors import SourceFailed
from orchestration.sources.api.client import Client, Limits, Record, Refusal, RenewableToken, usual_refusal
from orchestration.sources.api.connector import Connector, Table, Window
from orchestration.sources.intercom.records import admin, company, contact, conversation, ticket
from orchestration.sources.intercom.tables import TABLES
from orchestration.vendor_settings import Intercom

_PAGE = 150
_SCROLL = "/companies/scroll"
# A scroll that nobody goes on with ends after a minute; until then there is no other.
_SCROLL_ENDS = 61.0
_SCROLLS = 3
# Table → where an answer has its records, and what is made of each.
_ITEMS: Mapping[str, tuple[str, Callable[[Record], Record]]] = {
    "contact": ("data", contact),
    "company": ("data", company),
    "conversation": ("conversations", conversation),
    "ticket": ("tickets", ticket),
}


class IntercomConnector(Connector[Intercom]):
    """A workspace, by the access token of an app of its own."""

    credentials: ClassVar[Mapping[str, str]] = {"access_token": "the access token of an app of the workspace"}

    def connect(self) -> Client:
        """The client; the version of the API is a header of every request."""
        return Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=150, seconds=10.0),
            headers={"Intercom-Version": self.source.api_version},
            auth=RenewableToken(lambda: self.secrets["access_token"]),
            secrets=self.secrets,
            refusal=refusal,
            # The same request gives the next page each time.
            scrolls={_SCROLL},
        )

    def tables(self) -> Sequence[Table]:
        """Every table of `tables.py`; tickets only where the workspace has them."""
        return [table for table in TABLES if table.name != "ticket" or self.source.tickets]

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Records changed in the window; companies, admins and teams come whole."""
        if table.name in ("admin", "team"):
            listed = self.client.pages(table.path, items=f"{table.name}s")
            return ([admin(each) for each in page] for page in listed) if table.name == "admin" else listed
        _, read = _ITEMS[table.name]
        found = self._scrolled() if table.name == "company" else self._searched(table, window.since)
        return ([read(each) for each in page] for page in found)

    def probe(self, table: Table) -> None:
        """One record; of companies the first page of their list, which leaves the scroll to others."""
        if table.name == "company":
            self.client.post("/companies/list?per_page=1&page=1")
        elif table.name in _ITEMS:
            self._search(table, 0, None, per_page=1)
        else:
            next(self.client.pages(table.path, items=f"{table.name}s"), None)

    def _searched(self, table: Table, since: datetime | None) -> Iterator[list[Record]]:
        """Records changed after a second; a moment can be compared by =, < and > only."""
        after = 0 if since is None else int(since.replace(tzinfo=UTC).timestamp()) - 1
        items, _ = _ITEMS[table.name]
        cursor: str | None = None
        while True:
            answer = self._search(table, after, cursor)
            yield answer[items]
            before, cursor = cursor, ((answer.get("pages") or {}).get("next") or {}).get("starting_after")
            if cursor is None:
                return
            if cursor == before:
                raise self._failure(table.path, "gave the same page twice; its cursor does not move")

    def _search(self, table: Table, after: int, cursor: str | None, per_page: int = _PAGE) -> Record:
        query = {"field": "updated_at", "operator": ">", "value": str(after)}
        paging: Record = {"per_page": per_page} | ({"starting_after": cursor} if cursor else {})
        answer: Record = self.client.post(
            table.path, {"query": {"operator": "AND", "value": [query]}, "pagination": paging}
        )
        return self._with_list(table.path, answer, _ITEMS[table.name][0])

    def _scrolled(self) -> Iterator[list[Record]]:
        """All companies. A page whose answer was lost does not come again, so then everything does, as where
        some appeared or went meanwhile.
        """
        for _ in range(_SCROLLS):
            cursor: str | None = None
            seen, lost = set[str](), False
            while not lost:
                sent = self.client.session.requests_sent
                params = {"scroll_param": cursor} if cursor else {}
                answer = self._with_list(_SCROLL, self.client.get(_SCROLL, params), "data")
                lost = cursor is not None and self.client.session.requests_sent - sent > 1
                page = answer["data"]
                yield page
                if not page:
                    if not lost and len(seen) >= (answer.get("total_count") or 0):
                        return
                    break
                if seen.issuperset(each["id"] for each in page):
                    raise self._failure(_SCROLL, "gave the same page twice; its scroll does not move")
                seen.update(each["id"] for each in page)
                cursor = answer.get("scroll_param")
        raise self._failure(_SCROLL, f"did not give all companies in {_SCROLLS} scrolls")

    def _with_list(self, path: str, answer: Any, items: str) -> Record:
        if not isinstance(answer, dict) or not isinstance(answer.get(items), list):
            raise self._failure(path, f"answered 200 without a list under '{items}'")
        return answer

    def _failure(self, path: str, reason: str) -> SourceFailed:
        return SourceFailed(f"Source '{self.source.name}': {path} {reason}; nothing of this read counts.")


def refusal(response: requests.Response) -> Refusal | None:
    """A limit says at which second it ends; a second scroll waits for the first one to end."""
    reset = response.headers.get("X-RateLimit-Reset", "")
    if response.status_code == 429 and reset.isdigit() and "Retry-After" not in response.headers:
        return Refusal("answered 429", retry=True, wait=max(1.0, float(reset) - time.time()))
    if response.status_code == 400 and b"scroll" in response.content:
        return Refusal("has another scroll under way (400)", retry=True, wait=_SCROLL_ENDS)
    return usual_refusal(response)
