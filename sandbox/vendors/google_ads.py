"""Google Ads' REST interface over the accounts of one advertiser: OAuth, and `googleAds:search` with GAQL.

Of GAQL it understands SELECT … FROM … WHERE segments.date BETWEEN. Numbers of 64 bits are texts, empty values
and empty lists are left out, and a page has 10,000 rows whatever is asked for.
"""

import base64
import re
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from sandbox.vendors.advertising import Platform, Tokens
from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

_PAGE = 10_000
_QUERY = re.compile(
    r"SELECT (?P<fields>[\w., ]+) FROM (?P<resource>\w+)"
    r"(?: WHERE segments\.date BETWEEN '(?P<first>[\d-]+)' AND '(?P<last>[\d-]+)')?"
)
_VERSIONS = ("v23", "v24", "v25", "v26")
# Fields that were there once and are an error now.
_GONE_FIELDS = {"campaign.start_date", "campaign.end_date"}


class GoogleAdsStandIn(StandIn):
    """One manager account, with the accounts of the platform below it."""

    kind: ClassVar[str] = "google_ads"
    manager: ClassVar[str] = "1234567890"
    settings: ClassVar = {"customer_id": manager}
    credentials: ClassVar = {
        "developer_token": "developer-token-of-the-sandbox",
        "client_id": "sandbox.apps.googleusercontent.test",
        "client_secret": "secret-of-the-sandbox",
        "refresh_token": "1//refresh-of-the-sandbox",
    }

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.platform = Platform(self)
        # Accounts this user may not see into.
        self.hidden: set[str] = set()
        self._tokens = Tokens(self.credentials)

    def expire_tokens(self) -> None:
        """An access token lives an hour; this one is over."""
        self._tokens.expire()

    def answer(self, request: Request) -> Answer:
        """As Google would."""
        parts = request.path.strip("/").split("/")
        if parts == ["token"]:
            return self._tokens.give(request)
        if not self._tokens.takes(request):
            return _error(401, "UNAUTHENTICATED", "authenticationError", "OAUTH_TOKEN_INVALID")
        if request.headers.get("developer-token") != self.credentials["developer_token"]:
            return _error(403, "PERMISSION_DENIED", "authorizationError", "DEVELOPER_TOKEN_NOT_APPROVED")
        match parts:
            case [version, "customers", customer, "googleAds:search"] if version in _VERSIONS:
                return self._search(customer, request)
        return Answer(b"<html>Error 404 (Not Found)!!1</html>", 404, {"Content-Type": "text/html"})

    def _search(self, customer: str, request: Request) -> Answer:
        if request.headers.get("login-customer-id") != self.manager or customer in self.hidden:
            return _error(403, "PERMISSION_DENIED", "authorizationError", "USER_PERMISSION_DENIED")
        accounts = self.store.table("accounts")
        if customer != self.manager and accounts.get(customer, {}).get("status") != "ENABLED":
            return _error(403, "PERMISSION_DENIED", "authorizationError", "CUSTOMER_NOT_ENABLED")
        query = _QUERY.fullmatch(request.body["query"])
        if query is None or _GONE_FIELDS & set(query["fields"].split(", ")) or "pageSize" in request.body:
            return _error(400, "INVALID_ARGUMENT", "queryError", "UNRECOGNIZED_FIELD")
        fields = query["fields"].split(", ")
        if query["resource"] == "customer_client":
            rows = [_manager(self.manager), *map(_client, accounts.values())]
        elif query["first"]:
            days = self.platform.days_of(customer, *map(date.fromisoformat, query.group("first", "last")))
            rows = list(map(_day, days))
        else:
            rows = list(map(_campaign, self.platform.campaigns_of(customer)))
        return self._page([_selected(row, fields) for row in rows], fields, request)

    def _page(self, rows: list[Record], fields: list[str], request: Request) -> Answer:
        token = request.body.get("pageToken") or ""
        try:
            begin = int(base64.b64decode(token, validate=True)) if token else 0
        except ValueError:
            return _error(400, "INVALID_ARGUMENT", "requestError", "INVALID_PAGE_TOKEN")
        size = self.quirks.page_size or _PAGE
        page = rows[max(0, begin - 1) if self.quirks.duplicates else begin : begin + size]
        if self.quirks.unordered:
            page.reverse()
        body: Record = {"fieldMask": ",".join(fields), "requestId": f"r{len(self.requests)}"}
        if page:
            body["results"] = page
        if begin + size < len(rows):
            after = size if self.quirks.stuck else begin + size
            body["nextPageToken"] = base64.b64encode(str(after).encode()).decode()
        return Answer(body)


def _manager(key: str) -> Record:
    return {"customer_client": {"id": key, "manager": True, "status": "ENABLED", "descriptive_name": "All"}}


def _client(account: Record) -> Record:
    return {
        "customer_client": {
            "id": account["id"],
            "descriptive_name": account["name"],
            "currency_code": account["currency"],
            "time_zone": account["timezone"],
            "manager": False,
            "status": account["status"],
        }
    }


def _campaign(campaign: Record) -> Record:
    return {
        "campaign": {
            "id": campaign["id"],
            "name": campaign["name"],
            "status": "REMOVED" if campaign["is_removed"] else "ENABLED",
            "advertising_channel_type": campaign["channel"],
            "start_date_time": campaign.get("starts_on", "2026-01-01") + " 00:00:00",
        },
        "campaign_budget": {"total_amount_micros": _micros(campaign["budget"])}
        if "budget" in campaign
        else {},
    }


def _day(day: Record) -> Record:
    return {
        **_campaign(day["_campaign"]),
        "segments": {"date": day["day"]},
        "metrics": {
            "cost_micros": _micros(day["cost"]),
            "impressions": str(day["impressions"]),
            "clicks": str(day["clicks"]),
            "conversions": day.get("conversions", 0.0),
        },
    }


def _micros(amount: Any) -> str:
    return str(int(Decimal(str(amount)).scaleb(6)))


def _selected(row: Record, fields: list[str]) -> Record:
    """The selected fields as objects in objects, in the spelling of JSON."""
    shown: Record = {}
    for field in fields:
        resource, name = field.split(".")
        value = row.get(resource, {}).get(name)
        if value is not None:
            shown.setdefault(_camel(resource), {})[_camel(name)] = value
    return shown


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _error(code: int, status: str, kind: str, reason: str) -> Answer:
    failure = {"errors": [{"errorCode": {kind: reason}, "message": reason}]}
    return Answer({"error": {"code": code, "message": reason, "status": status, "details": [failure]}}, code)


def build(store: Store) -> GoogleAdsStandIn:
    """The stand-in over a store."""
    return GoogleAdsStandIn(store)
