"""LinkedIn's Marketing API over the ad accounts of one member: OAuth, a version in a header, Rest.li.

Parentheses and commas of a query are part of its grammar: written as %28 they are refused. A report has no
pages and ends at `most_rows` without a word; one of an account the member has no role in is empty.
"""

import base64
import re
from datetime import UTC, date, datetime
from typing import ClassVar

from sandbox.vendors.advertising import Platform, Tokens
from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

_MAX_PAGE = 1000
_RANGE = re.compile(
    r"\(start:\(year:(\d+),month:(\d+),day:(\d+)\),end:\(year:(\d+),month:(\d+),day:(\d+)\)\)"
)
_ACCOUNTS = re.compile(r"List\(urn:li:sponsoredAccount:(\d+)\)")
_VERSIONS = {f"2026{month:02d}" for month in range(1, 13)}
_MOST_FIELDS = 20


class LinkedinAdsStandIn(StandIn):
    """The ad accounts a member has a role in."""

    kind: ClassVar[str] = "linkedin_ads"
    credentials: ClassVar = {
        "client_id": "client-of-the-sandbox",
        "client_secret": "client-secret-of-the-sandbox",
        "refresh_token": "AQ-refresh-of-the-sandbox",
    }

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.platform = Platform(self, calendar="UTC")
        self.most_rows = 15_000
        # Parts of paths the app has no scope for.
        self.hidden: set[str] = set()
        self._tokens = Tokens(self.credentials)

    def expire_tokens(self) -> None:
        """An access token lives for 60 days; this one is over."""
        self._tokens.expire()

    def answer(self, request: Request) -> Answer:
        """As LinkedIn would."""
        if request.path == "/token":
            return self._tokens.give(request)
        if not self._tokens.takes(request):
            return _error(401, "REVOKED_ACCESS_TOKEN", "The token used in the request has been revoked")
        version = request.headers.get("LinkedIn-Version", "")
        if version not in _VERSIONS:
            return _error(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")
        if request.headers.get("X-Restli-Protocol-Version") != "2.0.0" or "%28" in request.url:
            return _error(400, "ILLEGAL_ARGUMENT", "Invalid query parameters passed to request")
        if any(part in request.path for part in self.hidden):
            return _error(403, "ACCESS_DENIED", "Not enough permissions to access the resource")
        accounts = self.platform.records("accounts")
        match request.path.strip("/").split("/"):
            case ["rest", "adAccounts"]:
                return self._page(
                    [_account(each) for each in accounts.values() if each["status"] == "ENABLED"], request
                )
            case ["rest", "adAccounts", account, "adCampaigns"]:
                states = re.findall(r"[A-Z_]+", request.get("search").partition("List")[2])
                found = [_campaign(each) for each in self.platform.campaigns_of(account)]
                return self._page([each for each in found if each["status"] in states], request)
            case ["rest", "adAnalytics"]:
                return self._report(request)
        return _error(404, "RESOURCE_NOT_FOUND", "No root resource defined for path")

    def _report(self, request: Request) -> Answer:
        days, account = (
            _RANGE.fullmatch(request.get("dateRange")),
            _ACCOUNTS.fullmatch(request.get("accounts")),
        )
        fields = request.get("fields").split(",")
        if days is None or account is None or len(fields) > _MOST_FIELDS:
            return _error(400, "ILLEGAL_ARGUMENT", "Invalid query parameters passed to request")
        numbers = list(map(int, days.groups()))
        first, last = date(*numbers[:3]), date(*numbers[3:])
        found = self.platform.days_of(account[1], first, last)
        if self.platform.records("accounts").get(account[1], {}).get("status") != "ENABLED":
            found = []
        rows = [{name: _day(each)[name] for name in fields if name in _day(each)} for each in found]
        if self.quirks.unordered:
            rows.reverse()
        return Answer({"elements": rows[: self.most_rows], "paging": {"count": 10, "start": 0, "links": []}})

    def _page(self, records: list[Record], request: Request) -> Answer:
        token = request.get("pageToken")
        try:
            begin = int(base64.b64decode(token, validate=True)) if token else 0
        except ValueError:
            return _error(400, "ILLEGAL_ARGUMENT", "Invalid pageToken")
        size = min(int(request.get("pageSize", "100")), _MAX_PAGE, self.quirks.page_size or _MAX_PAGE)
        page = records[max(0, begin - 1) if self.quirks.duplicates else begin : begin + size]
        if self.quirks.unordered:
            page.reverse()
        end = size if self.quirks.stuck else begin + size
        more = begin + size < len(records)
        after = {"nextPageToken": base64.b64encode(str(end).encode()).decode()} if more else {}
        return Answer({"elements": page, "metadata": after})


def _account(account: Record) -> Record:
    return {
        "id": int(account["id"]),
        "name": account["name"],
        "currency": account["currency"],
        "status": "ACTIVE",
        "type": "BUSINESS",
        "reference": "urn:li:organization:1",
    }


def _campaign(campaign: Record) -> Record:
    start = datetime.fromisoformat(campaign.get("starts_on", "2026-01-01")).replace(tzinfo=UTC)
    shown: Record = {
        "id": int(campaign["id"]),
        "account": f"urn:li:sponsoredAccount:{campaign['account']}",
        "name": campaign["name"],
        "status": "REMOVED" if campaign["is_removed"] else "ACTIVE",
        "type": "SPONSORED_UPDATES",
        "objectiveType": "LEAD_GENERATION",
        "runSchedule": {"start": int(start.timestamp() * 1000)},
    }
    if "budget" in campaign:
        shown["totalBudget"] = {"amount": campaign["budget"], "currencyCode": "EUR"}
    return shown


def _day(day: Record) -> Record:
    at = date.fromisoformat(day["day"])
    moment = {"year": at.year, "month": at.month, "day": at.day}
    return {
        "costInLocalCurrency": day["cost"],
        "impressions": day["impressions"],
        "clicks": day["clicks"],
        "externalWebsiteConversions": day.get("conversions", 0),
        "dateRange": {"start": moment, "end": moment},
        "pivotValues": [f"urn:li:sponsoredCampaign:{day['campaign']}"],
    }


def _error(status: int, code: str, message: str) -> Answer:
    return Answer({"status": status, "code": code, "message": message}, status)


def build(store: Store) -> LinkedinAdsStandIn:
    """The stand-in over a store."""
    return LinkedinAdsStandIn(store)
