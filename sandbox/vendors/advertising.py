"""What stand-ins of advertising platforms share: accounts, campaigns, and what each cost on each day."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import ids
from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record


class Platform:
    """The accounts of an advertiser and what is booked on them. Days are restated by booking them again."""

    def __init__(self, stand_in: StandIn, calendar: str | None = None) -> None:
        """With a `calendar` every account has its days, whatever its own time zone is."""
        self._stand_in = stand_in
        self._calendar = calendar
        self._made = 0

    def records(self, table: str) -> dict[str, Record]:
        """The records of a table by id."""
        return self._stand_in.store.table(table)

    def account(self, currency: str = "USD", timezone: str = "UTC", **fields: Any) -> str:
        """A new account; returns its id."""
        key = self._new_id("account")
        usual = {"id": key, "name": f"Account {self._made}", "currency": currency, "timezone": timezone}
        self.records("accounts")[key] = {**usual, "status": "ENABLED", **fields}
        return key

    def campaign(self, account: str, name: str = "Campaign", **fields: Any) -> str:
        """A new campaign; returns its id."""
        key = self._new_id("campaign")
        self.records("campaigns")[key] = {
            "id": key, "account": account, "name": name, "is_removed": False, "channel": "SEARCH", **fields
        }  # fmt: skip
        return key

    def change(self, campaign: str, **fields: Any) -> None:
        """Change fields of a campaign."""
        self.records("campaigns")[campaign] |= fields

    def remove(self, campaign: str) -> None:
        """A campaign is removed; what it cost stays."""
        self.change(campaign, is_removed=True)

    def book(self, campaign: str, day: date, cost: str | Decimal, **measured: Any) -> None:
        """What a campaign cost on a day, in place of what was said before."""
        usual = {"impressions": 100, "clicks": 3}
        self.records("days")[f"{campaign}/{day}"] = {
            "campaign": campaign, "day": day.isoformat(), "cost": str(cost), **usual, **measured
        }  # fmt: skip

    def unbook(self, campaign: str, day: date) -> None:
        """The day is no longer there: all of it was credited."""
        self.records("days").pop(f"{campaign}/{day}", None)

    def today(self, account: str) -> date:
        """The day it is on an account's calendar."""
        now = self._stand_in.clock().replace(tzinfo=ZoneInfo("UTC"))
        return now.astimezone(
            ZoneInfo(self._calendar or self.records("accounts")[account]["timezone"])
        ).date()

    def campaigns_of(self, account: str) -> list[Record]:
        """The campaigns of an account in the order they were made."""
        return [each for each in self.records("campaigns").values() if each["account"] == account]

    def days_of(self, account: str, first: date, last: date) -> list[Record]:
        """The days of an account, with their campaigns under `_campaign`."""
        return list(self._days(account, first, min(last, self.today(account))))

    def _days(self, account: str, first: date, last: date) -> Iterator[Record]:
        campaigns = self.records("campaigns")
        for each in self.records("days").values():
            campaign = campaigns[each["campaign"]]
            if campaign["account"] == account and first <= date.fromisoformat(each["day"]) <= last:
                yield {**each, "_campaign": campaign}

    def _new_id(self, kind: str) -> str:
        self._made += 1
        return ids.zendesk(f"{self._stand_in.kind} {kind}", str(self._made))


class Tokens:
    """Access tokens for a refresh token, at /token."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self._form = {"grant_type": "refresh_token"}
        self._form |= {name: credentials[name] for name in ("client_id", "client_secret", "refresh_token")}
        self._valid: set[str] = set()
        self._given = 0

    def give(self, request: Request) -> Answer:
        """A new token for the right form."""
        if request.body != self._form:
            return Answer({"error": "invalid_grant", "error_description": "Bad Request"}, 400)
        self._given += 1
        token = f"access-of-the-sandbox-{self._given}"
        self._valid.add(token)
        return Answer({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def takes(self, request: Request) -> bool:
        """Whether a request has a token that is still good."""
        return request.headers.get("Authorization", "").removeprefix("Bearer ") in self._valid

    def expire(self) -> None:
        """Every token's time is over."""
        self._valid.clear()
