"""Reads Meta's Marketing API: lists of accounts and campaigns, costs per day as reports made to order."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import requests
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request, Response

from orchestration.errors import SourceFailed
from orchestration.sources.api.advertising import AdvertisingConnector, halves, stretches
from orchestration.sources.api.client import Client, Limits, Record, Refusal, error_in, shown, usual_refusal
from orchestration.sources.meta_ads.tables import TABLES
from orchestration.vendor_settings import MetaAds

_PAGE = 200
_REPORT_DAYS = 183
# Deleted and archived campaigns are left out unless they are asked for by name.
_STATUSES = ("ACTIVE", "PAUSED", "ARCHIVED", "DELETED", "IN_PROCESS", "WITH_ISSUES")
_CAMPAIGN = (
    "id,name,objective,buying_type,status,effective_status,start_time,stop_time,lifetime_budget,daily_budget"
)
_DAY = "campaign_id,spend,impressions,clicks,inline_link_clicks,reach"
# Budgets are in hundredths of a unit, but for currencies that Meta gives no smaller unit.
_WHOLE = frozenset(("CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND"))
_TOO_OFTEN = frozenset((4, 17, 32, 613, *range(80000, 80015)))
_NO_TOKEN = 190
_NO_RIGHT = frozenset((3, 10, *range(200, 300)))
_TRANSIENT = frozenset((1, 2))


class AfterPaginator(BasePaginator):
    """The next page begins after a cursor; the last page has one, too, but no link to a next page."""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Look whether there is more."""
        paging = response.json().get("paging") or {}
        self._has_next_page = bool(paging.get("next"))
        self._after = (paging.get("cursors") or {}).get("after")

    def update_request(self, request: Request) -> None:
        """Ask for what comes after."""
        request.params = {**(request.params or {}), "after": self._after}


class MetaAdsConnector(AdvertisingConnector[MetaAds]):
    """The ad accounts of one system user."""

    credentials: ClassVar[Mapping[str, str]] = {
        "access_token": "access token of a system user",
        "app_secret": "secret of the app the token was made for",
    }
    declared = TABLES

    def connect(self) -> Client:
        """The client. Every request proves that we know the app's secret, without sending it."""
        token, secret = self.secrets["access_token"], self.secrets["app_secret"]
        proof = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        self._proof = {"appsecret_proof": proof}
        return Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=10, seconds=1.0),
            headers={"Authorization": f"Bearer {token}"},
            secrets={**self.secrets, **self._proof},
            refusal=_refusal,
        )

    def list_accounts(self) -> Iterator[list[Record]]:
        """All ad accounts the user was given."""
        fields = "account_id,name,currency,timezone_name,account_status"
        for page in self._listed("/me/adaccounts", {"fields": fields}):
            yield [_account(record) for record in page]

    def list_campaigns(self, account: Record) -> Iterator[list[Record]]:
        """Campaigns in every state."""
        params = {"fields": _CAMPAIGN, "effective_status": json.dumps(_STATUSES)}
        for page in self._listed(f"/act_{account['id']}/campaigns", params):
            yield [_campaign(account, record) for record in page]

    def list_days(self, account: Record, first: date, last: date) -> Iterator[list[Record]]:
        """Days on which a campaign was shown, by reports of half a year."""
        for begin, end in stretches(first, last, _REPORT_DAYS):
            yield from self._report(account, begin, end)

    def _report(self, account: Record, first: date, last: date) -> Iterator[list[Record]]:
        """Order a report, wait for it, read it. One that fails is ordered again in halves."""
        known_states = {"field": "campaign.effective_status", "operator": "IN", "value": _STATUSES}
        order = {
            "level": "campaign",
            "fields": _DAY,
            "time_increment": "1",
            "time_range": json.dumps({"since": str(first), "until": str(last)}),
            "filtering": json.dumps([known_states]),
            **self._proof,
        }
        path = f"/{self.source.api_version}/act_{account['id']}/insights"
        answer = self.client.post(path, form=order)
        if not isinstance(answer, dict) or "report_run_id" not in answer:
            raise SourceFailed(
                f"Source '{self.source.name}': {path} answered 200 without 'report_run_id';"
                " nothing of this read counts."
            )
        report = f"/{self.source.api_version}/{answer['report_run_id']}"
        ended = self.client.poll(report, self._proof, is_done=_has_ended, expect="async_status")
        if ended["async_status"] == "Job Completed":
            for page in self._listed(f"/{answer['report_run_id']}/insights", {}):
                yield [_day(account, record) for record in page]
        elif first == last:
            raise SourceFailed(
                f"Source '{self.source.name}': Meta cannot make the report of {first} for account"
                f" {account['id']} ({ended['async_status']}); try again later."
            )
        else:
            for begin, end in halves(first, last):
                yield from self._report(account, begin, end)

    def _listed(self, path: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
        return self.client.pages(
            f"/{self.source.api_version}{path}",
            {"limit": _PAGE, **params, **self._proof},
            items="data",
            paginator=AfterPaginator(),
        )


def _has_ended(report: Record) -> bool:
    # A report may be complete by its status while its last rows are still being written.
    status = report["async_status"]
    completed = status == "Job Completed" and int(report.get("async_percent_completion", 100)) == 100
    return completed or status in ("Job Failed", "Job Skipped")


def _account(record: Record) -> Record:
    return {
        "id": record["account_id"],
        "name": record.get("name"),
        "currency": record.get("currency"),
        "timezone": record.get("timezone_name"),
        "status": record.get("account_status"),
        "is_readable": True,
    }


def _campaign(account: Record, record: Record) -> Record:
    rest = dict(record)
    places = 0 if account["currency"] in _WHOLE else 2
    budget, daily = (rest.pop(name, None) for name in ("lifetime_budget", "daily_budget"))
    return {
        "id": rest.pop("id"),
        "account": account["id"],
        "name": rest.pop("name", None),
        "channel": None,
        "objective": rest.pop("objective", None),
        # Times carry the account's own offset, so their first ten characters are its own days.
        "starts_on": (rest.pop("start_time", None) or "")[:10],
        "ends_on": (rest.pop("stop_time", None) or "")[:10],
        # No budget of its own is "0", where its ad sets have one.
        "budget": Decimal(budget).scaleb(-places) if budget not in (None, "0") else None,
        "daily_budget": Decimal(daily).scaleb(-places) if daily not in (None, "0") else None,
        "currency": account["currency"],
        "is_removed": record.get("effective_status") in ("DELETED", "ARCHIVED"),
        "status": rest.pop("effective_status", None),
        **{f"own_{name}" if name == "status" else name: value for name, value in rest.items()},
    }


def _day(account: Record, record: Record) -> Record:
    rest = dict(record)
    campaign, day = rest.pop("campaign_id"), rest.pop("date_start")
    rest.pop("date_stop", None)
    return {
        "id": f"{account['id']}/{campaign}/{day}",
        "account": account["id"],
        "campaign": campaign,
        "day": day,
        "channel": None,
        "cost": rest.pop("spend", "0"),
        "currency": account["currency"],
        "impressions": rest.pop("impressions", "0"),
        "clicks": rest.pop("clicks", "0"),
        "conversions": None,
        **rest,
    }


def _refusal(response: requests.Response) -> Refusal | None:
    """Meta's statuses say little; its codes say what is meant."""
    if response.status_code < 300:
        return None
    error = error_in(response)
    code = error.get("code")
    if code in _TOO_OFTEN:
        return Refusal(f"is asked too often (code {code})", retry=True, wait=_regain_access(response))
    if code == _NO_TOKEN:
        return Refusal("does not take the access token (code 190)")
    if code in _NO_RIGHT:
        return Refusal(f"does not allow it ({shown(response)})", permission=True)
    if code in _TRANSIENT or error.get("is_transient"):
        return Refusal(f"has an error of its own (code {code})", retry=True)
    return usual_refusal(response)


def _regain_access(response: requests.Response) -> float | None:
    """The seconds until we may ask again: the longest of what the header says in minutes."""
    try:
        usage = json.loads(response.headers["x-business-use-case-usage"])
        minutes = [each.get("estimated_time_to_regain_access", 0) for kind in usage.values() for each in kind]
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
    return 60.0 * max(minutes, default=0) or None
