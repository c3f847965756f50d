"""What connectors of advertising platforms share: accounts, their campaigns, what each cost on each day.

Platforms restate the last days. Those are read again as whole days, so that a campaign's day which is no
longer in them is gone; days before them stay as they were read last.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestration.sources.api.client import MissingPermission, Record, RenewableToken
from orchestration.sources.api.connector import Connector, Table, Window
from orchestration.vendor_settings import Advertising

Options = TypeVar("Options", bound=Advertising)

# A source that was not read for longer is read whole.
_FEED = timedelta(days=365)


def advertising_tables(
    *, accounts: str, campaigns: str, days: str, permission: str, see_reports: str
) -> tuple[Table, ...]:
    """The three tables by their endpoints. A day is known as account/campaign/day."""
    return (
        Table(name="account", path=accounts, permission=permission),
        Table(name="campaign", path=campaigns, permission=permission),
        Table(name="campaign_day", path=days, feed=_FEED, complete=False, permission=see_reports),
    )


class AdvertisingConnector(Connector[Options]):
    """A subclass says how accounts, campaigns and days are listed; records are rows of the raw tables."""

    declared: Sequence[Table]

    def __init__(self, source: Options, base_url: str, secrets: Mapping[str, str], now: datetime) -> None:
        self._listed_accounts: list[Record] | None = None
        self._first_days: dict[str, date] = {}
        super().__init__(source, base_url, secrets, now)

    @abstractmethod
    def list_accounts(self) -> Iterator[list[Record]]:
        """All accounts the credentials reach, `is_readable` false where nothing can be asked of one."""

    @abstractmethod
    def list_campaigns(self, account: Record) -> Iterator[list[Record]]:
        """All campaigns of an account, removed ones as well."""

    @abstractmethod
    def list_days(self, account: Record, first: date, last: date) -> Iterator[list[Record]]:
        """What each campaign cost on each of these days, both included, of the account's own calendar."""

    def tables(self) -> Sequence[Table]:
        """The days that may be restated are as many as revops.yml says."""
        lag = timedelta(days=self.source.restated_days)
        return [replace(table, lag=lag) if table.feed else table for table in self.declared]

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Accounts and campaigns come whole, days from the first that may have been restated."""
        if table.name == "account":
            yield self._accounts()
            return
        for account in self._accounts():
            if not account["is_readable"]:
                continue
            if table.name == "campaign":
                yield from self.list_campaigns(account)
                continue
            first, last = self._days(account, window)
            yield from self.list_days(account, first, last)
            self._first_days[str(account["id"])] = first

    def covered(self, table: Table, window: Window) -> Callable[[str], bool] | None:
        """A day of an account that was read, from the first day that was read."""
        if table.name != "campaign_day":
            return None
        first_days = {account: first.isoformat() for account, first in self._first_days.items()}

        def is_covered(key: str) -> bool:
            account, _, day = key.split("/")
            return account in first_days and day >= first_days[account]

        return is_covered

    def probe(self, table: Table) -> None:
        """One page: of the accounts, of a campaign list, of today."""
        accounts = [account for account in self._accounts() if account["is_readable"]]
        if table.name == "account" or not accounts:
            return
        if table.name == "campaign":
            next(self.list_campaigns(accounts[0]), None)
        else:
            today = _day_of(accounts[0], min(self.now, datetime.now(UTC).replace(tzinfo=None)))
            next(self.list_days(accounts[0], today, today), None)

    def _accounts(self) -> list[Record]:
        """The accounts that are read, listed once. Raises MissingPermission for one that is out of reach."""
        if self._listed_accounts is None:
            found = {str(each["id"]): each for page in self.list_accounts() for each in page}
            # As people copy them: 123-456-7890 at Google, act_123 at Meta.
            wanted = [str(each).replace("-", "").removeprefix("act_") for each in self.source.accounts]
            if missing := [account for account in wanted if account not in found]:
                raise MissingPermission(
                    f"Source '{self.source.name}' does not reach the advertising account"
                    f" {', '.join(missing)}; grant it to the API user, or correct accounts."
                )
            if not found:
                raise MissingPermission(
                    f"Source '{self.source.name}' reaches no advertising account; grant one to the API user."
                )
            self._listed_accounts = [found[account] for account in wanted or found]
        return self._listed_accounts

    def _days(self, account: Record, window: Window) -> tuple[date, date]:
        last = _day_of(account, window.until)
        if window.since is None:
            return last - timedelta(days=self.source.history_days), last
        return _day_of(account, window.since), last

    def refreshed(self, vendors_own: str, own_host: str) -> RenewableToken:
        """An access token for the refresh token among the credentials, from the vendor's address for it."""
        url = self.source.token_url
        if url is None:
            url = vendors_own if self.base_url.rstrip("/") == own_host else f"{self.base_url}/token"

        def fetch() -> str:
            self.client.session.allow(url)
            form = {"grant_type": "refresh_token"}
            for name in ("client_id", "client_secret", "refresh_token"):
                form[name] = self.secrets[name]
            return str(self.client.sign_in(url, form)["access_token"])

        return RenewableToken(fetch)


def stretches(first: date, last: date, days: int) -> Iterator[tuple[date, date]]:
    """The days from first to last in stretches of at most so many days, both ends included."""
    while first <= last:
        end = min(first + timedelta(days=days - 1), last)
        yield first, end
        first = end + timedelta(days=1)


def halves(first: date, last: date) -> Iterator[tuple[date, date]]:
    """A stretch of at least two days as two."""
    return stretches(first, last, ((last - first).days + 2) // 2)


def _day_of(account: Record, moment: datetime) -> date:
    """The day of a moment on the account's calendar; an unknown one is UTC's."""
    try:
        zone = ZoneInfo(account["timezone"] or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return moment.replace(tzinfo=UTC).astimezone(zone).date()
