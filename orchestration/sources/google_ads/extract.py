"""Reads Google Ads over its REST interface: queries in GAQL, per account below one manager account."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import requests
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from orchestration.sources.api.advertising import AdvertisingConnector
from orchestration.sources.api.client import (
    Client,
    Limits,
    Record,
    Refusal,
    error_in,
    retry_after,
    shown,
    usual_refusal,
)
from orchestration.sources.google_ads.tables import TABLES
from orchestration.vendor_settings import GoogleAds

_HOST = "https://googleads.googleapis.com"
_TOKENS = "https://oauth2.googleapis.com/token"
_ACCOUNTS = (
    "SELECT customer_client.id, customer_client.descriptive_name, customer_client.currency_code,"
    " customer_client.time_zone, customer_client.manager, customer_client.status FROM customer_client"
)
_CAMPAIGNS = (
    "SELECT campaign.id, campaign.name, campaign.status, campaign.advertising_channel_type,"
    " campaign.advertising_channel_sub_type, campaign.bidding_strategy_type, campaign.start_date_time,"
    " campaign.end_date_time, campaign_budget.amount_micros, campaign_budget.total_amount_micros"
    " FROM campaign"
)
_DAYS = (
    "SELECT campaign.id, campaign.advertising_channel_type, segments.date, metrics.cost_micros,"
    " metrics.impressions, metrics.clicks, metrics.conversions, metrics.conversions_value FROM campaign"
    " WHERE segments.date BETWEEN '{first}' AND '{last}'"
)


class GoogleAdsConnector(AdvertisingConnector[GoogleAds]):
    """One manager account, or one account alone, and all accounts below it."""

    credentials: ClassVar[Mapping[str, str]] = {
        "developer_token": "developer token of the manager account",
        "client_id": "id of the OAuth client",
        "client_secret": "secret of the OAuth client",
        "refresh_token": "refresh token of a user with read access",
    }
    declared = TABLES

    def connect(self) -> Client:
        """The client; it asks for an access token with its first request."""
        self._top = str(self.source.customer_id).replace("-", "")
        client = Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=10, seconds=1.0),
            headers={"developer-token": self.secrets["developer_token"], "login-customer-id": self._top},
            secrets=self.secrets,
            refusal=_refusal,
        )
        client.authenticate(self.refreshed(_TOKENS, _HOST))
        return client

    def list_accounts(self) -> Iterator[list[Record]]:
        """The accounts below the manager, itself included if it has campaigns of its own."""
        for page in self._found(self._top, _ACCOUNTS):
            clients = [record["customerClient"] for record in page]
            yield [_account(client) for client in clients if not client.get("manager")]

    def list_campaigns(self, account: Record) -> Iterator[list[Record]]:
        """Campaigns, those with status REMOVED as well."""
        for page in self._found(account["id"], _CAMPAIGNS):
            yield [_campaign(account, record) for record in page]

    def list_days(self, account: Record, first: date, last: date) -> Iterator[list[Record]]:
        """Days on which a campaign was shown or cost something."""
        for page in self._found(account["id"], _DAYS.format(first=first, last=last)):
            yield [_day(account, record) for record in page]

    def _found(self, customer: str, query: str) -> Iterator[list[Record]]:
        """The rows of a query, at most 10,000 a page. An empty result has no list, only its field mask."""
        return self.client.pages(
            f"/{self.source.api_version}/customers/{customer}/googleAds:search",
            items="results",
            body={"query": query},
            paginator=JSONResponseCursorPaginator(cursor_path="nextPageToken", cursor_body_path="pageToken"),
            empty_with="fieldMask",
        )


def _account(client: Record) -> Record:
    return {
        "id": str(client["id"]),
        "name": client.get("descriptiveName"),
        "currency": client.get("currencyCode"),
        "timezone": client.get("timeZone"),
        "status": client.get("status"),
        # Of a cancelled or suspended account nothing can be asked; what it cost stays.
        "is_readable": client.get("status", "ENABLED") == "ENABLED",
    }


def _campaign(account: Record, record: Record) -> Record:
    campaign = dict(record["campaign"])
    budget = record.get("campaignBudget", {})
    return {
        "id": str(campaign.pop("id")),
        "account": account["id"],
        "name": campaign.pop("name", None),
        "channel": campaign.pop("advertisingChannelType", None),
        "objective": campaign.pop("advertisingChannelSubType", None),
        "starts_on": (campaign.pop("startDateTime", None) or "")[:10],
        "ends_on": (campaign.pop("endDateTime", None) or "")[:10],
        "budget": _major_units(budget.get("totalAmountMicros")),
        "daily_budget": _major_units(budget.get("amountMicros")),
        "currency": account["currency"],
        "is_removed": campaign.get("status") == "REMOVED",
        "status": campaign.pop("status", None),
        **{name: value for name, value in campaign.items() if name != "resourceName"},
    }


def _day(account: Record, record: Record) -> Record:
    campaign, measured, day = record["campaign"], dict(record.get("metrics", {})), record["segments"]["date"]
    return {
        "id": f"{account['id']}/{campaign['id']}/{day}",
        "account": account["id"],
        "campaign": str(campaign["id"]),
        "day": day,
        "channel": campaign.get("advertisingChannelType"),
        # A count of 0 is left out of an answer.
        "cost": _major_units(measured.pop("costMicros", 0)),
        "currency": account["currency"],
        "impressions": measured.pop("impressions", 0),
        "clicks": measured.pop("clicks", 0),
        "conversions": measured.pop("conversions", 0),
        **measured,
    }


def _major_units(micros: Any) -> Decimal | None:
    """Millionths of a unit of the currency, which come as text."""
    return None if micros is None else Decimal(str(micros)).scaleb(-6)


def _refusal(response: requests.Response) -> Refusal | None:
    """Google says why in the details of its error; a sign-in that fails is a 400."""
    if response.status_code < 300:
        return None
    codes, wait = _reasons(response)
    if "RESOURCE_EXHAUSTED" in codes or response.status_code == 429:
        reason = "has no operations left (RESOURCE_EXHAUSTED)"
        return Refusal(reason, retry=True, wait=retry_after(response) if wait is None else wait)
    if "invalid_grant" in response.text and response.status_code == 400:
        return Refusal("does not take the refresh token (invalid_grant)")
    if response.status_code == 403:
        return Refusal(f"does not allow it ({', '.join(sorted(codes)) or shown(response)})", permission=True)
    return usual_refusal(response)


def _reasons(response: requests.Response) -> tuple[set[str], float | None]:
    """The codes of an error, and the seconds to wait if it says so."""
    error = error_in(response)
    details = [each for detail in error.get("details", ()) for each in detail.get("errors", ())]
    codes = {str(code) for each in details for code in each.get("errorCode", {}).values()}
    delays = [each.get("details", {}).get("quotaErrorDetails", {}).get("retryDelay") for each in details]
    told = [float(delay.removesuffix("s")) for delay in delays if delay]
    return codes | {str(error.get("status"))}, max(told, default=None)
