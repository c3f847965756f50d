"""Reads LinkedIn's Marketing API: accounts and campaigns in pages, costs per day in reports without."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import requests
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from orchestration.errors import SourceFailed
from orchestration.sources.api.advertising import AdvertisingConnector, halves, stretches
from orchestration.sources.api.client import Client, Limits, Record, Refusal, usual_refusal
from orchestration.sources.linkedin_ads.tables import TABLES
from orchestration.vendor_settings import LinkedinAds

_HOST = "https://api.linkedin.com"
_TOKENS = "https://www.linkedin.com/oauth/v2/accessToken"
_PAGE = 100
_REPORT_DAYS = 366
# A report ends here without a word.
_MOST_ROWS = 15_000
_STATUSES = "ACTIVE,ARCHIVED,CANCELED,COMPLETED,DRAFT,PAUSED,PENDING_DELETION,REMOVED"
_DAY = (
    "costInLocalCurrency,impressions,clicks,landingPageClicks,externalWebsiteConversions,oneClickLeads"
    ",dateRange,pivotValues"
)
_VERSION_GONE = 426


class LinkedinAdsConnector(AdvertisingConnector[LinkedinAds]):
    """The ad accounts of one member."""

    credentials: ClassVar[Mapping[str, str]] = {
        "client_id": "client id of the app",
        "client_secret": "client secret of the app",
        "refresh_token": "refresh token of a member who may view the ad accounts",
    }
    declared = TABLES

    def connect(self) -> Client:
        """The client; it asks for an access token with its first request."""
        client = Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=5, seconds=1.0),
            headers={"LinkedIn-Version": self.source.api_version, "X-Restli-Protocol-Version": "2.0.0"},
            secrets=self.secrets,
            refusal=_refusal,
        )
        client.authenticate(self.refreshed(_TOKENS, _HOST))
        return client

    def list_accounts(self) -> Iterator[list[Record]]:
        """All ad accounts the member has a role in. LinkedIn's days are those of UTC."""
        for page in self._listed("/rest/adAccounts?q=search"):
            yield [
                {
                    "id": str(record["id"]),
                    "name": record.get("name"),
                    "currency": record.get("currency"),
                    "timezone": "UTC",
                    "status": record.get("status"),
                    "is_readable": True,
                }
                for record in page
            ]

    def list_campaigns(self, account: Record) -> Iterator[list[Record]]:
        """Campaigns in every state."""
        path = f"/rest/adAccounts/{account['id']}/adCampaigns"
        for page in self._listed(f"{path}?q=search&search=(status:(values:List({_STATUSES})))"):
            yield [_campaign(account, record) for record in page]

    def list_days(self, account: Record, first: date, last: date) -> Iterator[list[Record]]:
        """Days on which a campaign was shown; a report that may have been cut off is asked for in halves."""
        for begin, end in stretches(first, last, _REPORT_DAYS):
            yield from self._report(account, begin, end)

    def _report(self, account: Record, first: date, last: date) -> Iterator[list[Record]]:
        path = (
            "/rest/adAnalytics?q=analytics&pivot=CAMPAIGN&timeGranularity=DAILY"
            f"&dateRange=(start:{_written(first)},end:{_written(last)})"
            f"&accounts=List(urn%3Ali%3AsponsoredAccount%3A{account['id']})&fields={_DAY}"
        )
        (page,) = self.client.pages(path, items="elements")
        if len(page) < _MOST_ROWS:
            yield [_day(account, record) for record in page]
        elif first == last:
            raise SourceFailed(
                f"Source '{self.source.name}': account {account['id']} has {_MOST_ROWS:,} campaigns or more"
                f" on {first}, of which LinkedIn gives no more; nothing of this read counts."
            )
        else:
            for begin, end in halves(first, last):
                yield from self._report(account, begin, end)

    def _listed(self, path: str) -> Iterator[list[Record]]:
        return self.client.pages(
            f"{path}&pageSize={_PAGE}",
            items="elements",
            paginator=JSONResponseCursorPaginator(
                cursor_path="metadata.nextPageToken", cursor_param="pageToken"
            ),
        )


def _written(day: date) -> str:
    return f"(year:{day.year},month:{day.month},day:{day.day})"


def _campaign(account: Record, record: Record) -> Record:
    rest = dict(record)
    budget, daily = (rest.pop(name, None) or {} for name in ("totalBudget", "dailyBudget"))
    schedule = rest.pop("runSchedule", None) or {}
    return {
        "id": str(rest.pop("id")),
        "account": account["id"],
        "name": rest.pop("name", None),
        "channel": None,
        "objective": rest.pop("objectiveType", None),
        "starts_on": _day_of(schedule.get("start")),
        "ends_on": _day_of(schedule.get("end")),
        "budget": budget.get("amount"),
        "daily_budget": daily.get("amount"),
        "currency": budget.get("currencyCode") or account["currency"],
        "is_removed": record.get("status") in ("PENDING_DELETION", "REMOVED"),
        "status": rest.pop("status", None),
        **{f"campaign_{name}" if name == "account" else name: value for name, value in rest.items()},
    }


def _day_of(milliseconds: Any) -> str | None:
    """The day of a moment in milliseconds since 1970."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()


def _day(account: Record, record: Record) -> Record:
    rest = dict(record)
    (urn,) = rest.pop("pivotValues")
    start = rest.pop("dateRange")["start"]
    campaign, day = urn.rsplit(":", 1)[-1], date(start["year"], start["month"], start["day"]).isoformat()
    return {
        "id": f"{account['id']}/{campaign}/{day}",
        "account": account["id"],
        "campaign": campaign,
        "day": day,
        "channel": None,
        "cost": rest.pop("costInLocalCurrency", "0"),
        "currency": account["currency"],
        "impressions": rest.pop("impressions", 0),
        "clicks": rest.pop("clicks", 0),
        "conversions": rest.pop("externalWebsiteConversions", None),
        **rest,
    }


def _refusal(response: requests.Response) -> Refusal | None:
    if response.status_code == _VERSION_GONE:
        return Refusal("no longer knows the version of its API we ask for (426); set a newer api_version")
    return usual_refusal(response)
