"""Meta's Marketing API over the ad accounts of one system user: lists, and reports that take a while.

Errors are 400 with a code that says what is meant. Campaigns that are deleted or archived, and their days,
are left out unless they are asked for. A report of more days than `report_days` fails.
"""

import base64
import hashlib
import hmac
import json
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from sandbox.vendors.advertising import Platform
from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

_DEFAULT_PAGE = 25
_MAX_PAGE = 500
_SEEN = ["ACTIVE", "PAUSED"]
_NO_CENTS = {"JPY", "KRW", "HUF"}


class MetaAdsStandIn(StandIn):
    """The ad accounts a system user was given."""

    kind: ClassVar[str] = "meta_ads"
    credentials: ClassVar = {"access_token": "EAAB-token-of-the-sandbox", "app_secret": "app-secret-sandbox"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.platform = Platform(self)
        # How often a report is asked for before it is complete, and how many days it can have.
        self.polls = 2
        self.report_days = 400
        # Paths this user may not read.
        self.hidden: set[str] = set()
        self._reports: dict[str, tuple[int, list[Record] | None]] = {}

    def answer(self, request: Request) -> Answer:
        """As Meta would."""
        token, secret = self.credentials["access_token"], self.credentials["app_secret"]
        if request.headers.get("Authorization") != f"Bearer {token}":
            return _error(190, "Invalid OAuth access token.", kind="OAuthException", status=401)
        asked = {**{name: values[-1] for name, values in request.query.items()}, **(request.body or {})}
        proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        if asked.get("appsecret_proof") != proof:
            return _error(100, "Invalid appsecret_proof provided in the API argument")
        if any(part in request.path for part in self.hidden):
            return _error(200, "(#200) Ad account owner has NOT grant ads_read permission", status=403)
        match request.method, *request.path.strip("/").split("/")[1:]:
            case "GET", "me", "adaccounts":
                accounts = self.platform.records("accounts").values()
                return self._page([_account(each) for each in accounts if each["status"] == "ENABLED"], asked)
            case "GET", account, "campaigns":
                return self._page(self._campaigns(account.removeprefix("act_"), asked), asked)
            case "POST", account, "insights":
                return self._order(account.removeprefix("act_"), asked)
            case "GET", report, "insights" if report in self._reports:
                return self._page(self._reports[report][1] or [], asked)
            case "GET", report if report in self._reports:
                return self._status(report)
        return _error(100, "Unsupported get request.")

    def _campaigns(self, account: str, asked: Record) -> list[Record]:
        wanted = json.loads(asked.get("effective_status", "null")) or _SEEN
        fields = asked["fields"].split(",")
        currency = self.platform.records("accounts")[account]["currency"]
        found = [_campaign(each, currency) for each in self.platform.campaigns_of(account)]
        return [
            {name: each[name] for name in ("id", *fields) if each.get(name) is not None}
            for each in found
            if each["effective_status"] in wanted
        ]

    def _order(self, account: str, asked: Record) -> Answer:
        """Work on a report begins; its number is all there is for now."""
        days = json.loads(asked["time_range"])
        first, last = (date.fromisoformat(days[name]) for name in ("since", "until"))
        wanted = _SEEN
        for each in json.loads(asked.get("filtering", "[]")):
            if each["field"] == "campaign.effective_status":
                wanted = each["value"]
        number = str(6 * 10**14 + len(self._reports))
        rows = None
        if (last - first).days < self.report_days:
            found = self.platform.days_of(account, first, last)
            rows = [_day(each) for each in found if _state(each["_campaign"]) in wanted]
        self._reports[number] = (self.polls, rows)
        return Answer({"report_run_id": number})

    def _status(self, number: str) -> Answer:
        left, rows = self._reports[number]
        self._reports[number] = (left - 1, rows)
        if left > 0:
            return Answer({"id": number, "async_status": "Job Running", "async_percent_completion": 40})
        status = "Job Failed" if rows is None else "Job Completed"
        return Answer({"id": number, "async_status": status, "async_percent_completion": 100})

    def _page(self, records: list[Record], asked: Record) -> Answer:
        try:
            begin = int(base64.b64decode(asked["after"], validate=True)) if "after" in asked else 0
        except ValueError:
            return _error(100, "Invalid cursor")
        size = min(int(asked.get("limit", _DEFAULT_PAGE)), _MAX_PAGE, self.quirks.page_size or _MAX_PAGE)
        page = records[max(0, begin - 1) if self.quirks.duplicates else begin : begin + size]
        if self.quirks.unordered:
            page.reverse()
        end = size if self.quirks.stuck else begin + size
        paging: Record = {"cursors": {"before": "MA", "after": base64.b64encode(str(end).encode()).decode()}}
        if begin + size < len(records):
            paging["next"] = "https://graph.facebook.com/a-link-with-the-token"
        return Answer({"data": page, "paging": paging} if page else {"data": []})


def _account(account: Record) -> Record:
    return {
        "id": f"act_{account['id']}",
        "account_id": account["id"],
        "name": account["name"],
        "currency": account["currency"],
        "timezone_name": account["timezone"],
        "account_status": 1,
    }


def _state(campaign: Record) -> str:
    return "DELETED" if campaign["is_removed"] else "ACTIVE"


def _campaign(campaign: Record, currency: str) -> Record:
    budget = campaign.get("budget")
    places = 0 if currency in _NO_CENTS else 2
    return {
        "id": campaign["id"],
        "name": campaign["name"],
        "objective": "OUTCOME_LEADS",
        "status": _state(campaign),
        "effective_status": _state(campaign),
        "start_time": campaign.get("starts_on", "2026-01-01") + "T00:00:00+0100",
        "lifetime_budget": str(int(Decimal(budget).scaleb(places))) if budget else "0",
    }


def _day(day: Record) -> Record:
    return {
        "campaign_id": day["campaign"],
        "spend": day["cost"],
        "impressions": str(day["impressions"]),
        "clicks": str(day["clicks"]),
        "date_start": day["day"],
        "date_stop": day["day"],
    }


def _error(code: int, message: str, *, kind: str = "OAuthException", status: int = 400) -> Answer:
    error: dict[str, Any] = {"message": message, "type": kind, "code": code, "fbtrace_id": "A1"}
    return Answer({"error": error}, status)


def build(store: Store) -> MetaAdsStandIn:
    """The stand-in over a store."""
    return MetaAdsStandIn(store)
