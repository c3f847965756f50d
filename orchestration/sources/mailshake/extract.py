"""Reads a Mailshake team: all lists, whole, page by page."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from requests import Response
from requests.auth import HTTPBasicAuth

from orchestration.sources.api.client import (
    Client,
    Limits,
    NotFound,
    Record,
    Refusal,
    seconds_until,
    usual_refusal,
)
from orchestration.sources.api.connector import Connector, Table, Window, flat
from orchestration.sources.mailshake.tables import TABLES, Listing
from orchestration.vendor_settings import Mailshake

# Quota is counted by the hour, so a wait may be as long.
_LIMITS = Limits(calls=60, seconds=60.0, longest_wait=3700.0)
_TRY_AGAIN = re.compile(r"try again after:?\s*(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))", re.IGNORECASE)
# Merge fields of recipients that are columns; the others, and their spelling, are the company's own.
_MERGE_FIELDS = ("company", "title", "phone", "city")


class MailshakeConnector(Connector[Mailshake]):
    """One team, with its API key."""

    credentials: ClassVar = {"api_key": "the team's API key"}

    def connect(self) -> Client:
        """The client; the key is the user of basic authentication."""
        self._campaigns: list[object] | None = None
        return Client(
            self.source.name,
            self.base_url,
            limits=_LIMITS,
            auth=HTTPBasicAuth(self.secrets["api_key"], ""),
            secrets=self.secrets,
            refusal=refusal,
        )

    def tables(self) -> Sequence[Listing]:
        """Every list of `tables.py`."""
        return TABLES

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """All of a list: Mailshake cannot say what changed."""
        assert isinstance(table, Listing)
        if table.per_campaign:
            yield from self._of_campaigns(table)
            return
        listed = []
        for page in self._listed(table, {}):
            listed += [each["id"] for each in page if table.name == "campaign"]
            yield page
        if table.name == "campaign":
            self._campaigns = listed

    def rows(self, table: Table, record: Record) -> Iterable[Record]:
        """Objects inside as fields of their own; merge fields that everybody has under one spelling."""
        fields = record.get("fields") or {}
        if table.name != "recipient" or not isinstance(fields, dict):
            return (flat(record),)
        known = {name: value for name, value in fields.items() if name.lower() in _MERGE_FIELDS}
        others = {name: value for name, value in fields.items() if name not in known}
        named = {name.lower(): value for name, value in known.items() if value not in (None, "")}
        return (flat({**record, "fields": others}) | named,)

    def probe(self, table: Table) -> None:
        """One record of a list; of recipients, those of the first campaign."""
        assert isinstance(table, Listing)
        body: Record = {"perPage": 1}
        if table.per_campaign:
            first = self.client.post("/campaigns/list", body).get("results") or []
            if not first:
                return
            body = {**body, "campaignID": first[0]["id"]}
        self.client.post(table.path, body)

    def _of_campaigns(self, table: Listing) -> Iterator[list[Record]]:
        if self._campaigns is None:
            (campaigns,) = (each for each in TABLES if each.name == "campaign")
            self._campaigns = [each["id"] for page in self._listed(campaigns, {}) for each in page]
        for campaign in self._campaigns:
            try:
                for page in self._listed(table, {"campaignID": campaign}):
                    yield [{**each, "campaignId": campaign} for each in page]
            except NotFound:
                # It was deleted since campaigns were listed, and its recipients with it.
                continue

    def _listed(self, table: Listing, chosen: Record) -> Iterator[list[Record]]:
        return self.client.pages(
            table.path,
            items="results",
            body={**chosen, "perPage": table.page},
            paginator=JSONResponseCursorPaginator(cursor_path="nextToken", cursor_body_path="nextToken"),
        )


def refusal(response: Response) -> Refusal | None:
    """What Mailshake means: it names errors in the body, and in it says until when to wait."""
    error = _error(response) if response.status_code >= 400 or b'"error"' in response.content[:500] else None
    if error is None:
        return usual_refusal(response)
    code, message = error
    match code:
        case "limit_reached":
            until = _TRY_AGAIN.search(message)
            wait = seconds_until(response, datetime.fromisoformat(until[1])) if until else None
            return Refusal("has used up its quota of the hour", retry=True, wait=wait)
        case "invalid_api_key":
            return Refusal("does not take the credentials (invalid_api_key)")
        case "not_authorized" | "missing_dependent_data":
            return Refusal(f"does not allow it ({code}: {message})", permission=True)
        case "not_found":
            return Refusal(f"answered 404: {message}")
    if code == "internal_error" or response.status_code >= 500 or response.status_code == 429:
        return Refusal(f"answered {response.status_code} {code}", retry=True)
    if response.status_code in (401, 403):
        return usual_refusal(response)
    return Refusal(f"answered {response.status_code} {code}: {message}")


def _error(response: Response) -> tuple[str, str] | None:
    """Code and message of an error, which lie at the top or in an object of their own."""
    try:
        answer: Any = json.loads(response.content)
    except ValueError:
        return None
    if not isinstance(answer, dict) or not answer.get("error"):
        return None
    error = answer["error"]
    if isinstance(error, dict):
        return str(error.get("code", "")), str(error.get("message", ""))
    return str(answer.get("code", "")), str(error)
