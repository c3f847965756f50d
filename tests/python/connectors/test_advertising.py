"""What holds for every advertising platform: cost by day, restated for a while, by account."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from vendor import START, Vendor

from orchestration.errors import SourceFailed

KINDS = ("google_ads", "meta_ads", "linkedin_ads")
TODAY = START.date()


@pytest.fixture(params=KINDS)
def ads(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor(request.param, tmp_path, monkeypatch, quick=True)
    yield vendor
    vendor.close()


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def costs(ads: Vendor) -> dict[tuple[str, date], Decimal]:
    return {
        (row["campaign_source_id"], row["spent_on"]): row["amount"] for row in ads.entry("spend").values()
    }


def test_costs_come_by_campaign_and_day_in_the_currency_of_the_account(ads: Vendor) -> None:
    platform = ads.api.platform
    home, abroad = platform.account("USD"), platform.account("EUR", "Europe/Berlin")
    one, other = platform.campaign(home, "Search"), platform.campaign(abroad, "Suche", budget="5000")
    platform.book(one, ago(2), "12.34")
    platform.book(one, ago(1), "0.05")
    platform.book(other, ago(1), "1234567.89", clicks=7)
    assert {name for name, _ in ads.check()} == {"account", "campaign", "campaign_day"}
    ads.sync()
    assert costs(ads) == {
        (one, ago(2)): Decimal("12.34"),
        (one, ago(1)): Decimal("0.05"),
        (other, ago(1)): Decimal("1234567.89"),
    }
    spend = {row["campaign_source_id"]: row for row in ads.entry("spend").values()}
    assert (spend[one]["currency_code"], spend[other]["currency_code"]) == ("USD", "EUR")
    assert {(row["department"], row["category"]) for row in spend.values()} == {("marketing", "advertising")}
    campaigns = ads.entry("campaigns")
    assert campaigns[other]["name"] == "Suche" and campaigns[other]["budget_amount"] == 5000
    assert {row["channel"] for row in [*campaigns.values(), *spend.values()]} in ({"SEARCH"}, {"paid_social"})
    assert ads.problems() == []


def test_days_that_are_restated_are_restated_here_and_older_ones_stay(ads: Vendor) -> None:
    platform = ads.api.platform
    ads.configure(restated_days=30)
    campaign = platform.campaign(platform.account())
    for days in (2, 10, 20, 200):
        platform.book(campaign, ago(days), 100)
    ads.sync()
    platform.book(campaign, ago(2), "90.5")
    platform.unbook(campaign, ago(10))
    platform.book(campaign, ago(5), 7)
    platform.unbook(campaign, ago(200))
    results = ads.sync()["campaign_day"]
    assert (results.rows_appended, results.rows_deleted) == (2, 1)
    assert costs(ads) == {
        (campaign, ago(2)): Decimal("90.5"),
        (campaign, ago(5)): 7,
        (campaign, ago(20)): 100,
        (campaign, ago(200)): 100,
    }
    platform.book(campaign, ago(10), 100)
    platform.book(campaign, ago(2), 100)
    ads.sync()
    assert costs(ads)[campaign, ago(10)] == 100, "what was credited and booked again is back"
    assert costs(ads)[campaign, ago(2)] == 100, "an amount may return to what it was"
    before = ads.sync()["campaign_day"]
    assert (before.rows_appended, before.rows_deleted) == (0, 0)


def test_a_source_that_rested_reads_all_it_missed(ads: Vendor) -> None:
    platform = ads.api.platform
    campaign = platform.campaign(platform.account())
    platform.book(campaign, ago(1), 1)
    ads.sync()
    for days in range(1, 71):
        platform.book(campaign, TODAY + timedelta(days=days), days)
    ads.pass_time(days=71)
    ads.sync()
    assert sum(costs(ads).values()) == 1 + sum(range(1, 71))
    ads.pass_time(days=400)
    late = TODAY + timedelta(days=75)
    platform.book(campaign, late, 5)
    ads.sync()
    assert costs(ads)[campaign, late] == 5


def test_a_day_ends_when_it_ends_where_the_account_is(ads: Vendor) -> None:
    platform = ads.api.platform
    places = platform.account("NZD", "Pacific/Auckland"), platform.account("USD", "America/Los_Angeles")
    east, west = map(platform.campaign, places)
    # At noon it is tomorrow in the east already, but for LinkedIn, which knows one calendar.
    ads.pass_time(hours=12 - START.hour)
    there, here = map(platform.today, places)
    assert (there, here) == (TODAY if ads.kind == "linkedin_ads" else TODAY + timedelta(days=1), TODAY)
    platform.book(east, there, 3)
    platform.book(west, here, 4)
    ads.sync()
    assert costs(ads) == {(east, there): 3, (west, here): 4}


def test_a_removed_campaign_leaves_its_costs_and_so_does_an_account_that_is_lost(ads: Vendor) -> None:
    platform = ads.api.platform
    kept, lost = platform.account(), platform.account()
    first, second, other = platform.campaign(kept), platform.campaign(kept, "B"), platform.campaign(lost)
    for campaign in (first, second, other):
        platform.book(campaign, ago(1), 10)
    ads.sync()
    platform.remove(first)
    platform.change(second, name="Renamed")
    platform.records("accounts")[lost]["status"] = "CANCELED"
    ads.sync(allow_shrink=True)
    assert {key: row["name"] for key, row in ads.entry("campaigns").items()} == {second: "Renamed"}
    assert sum(costs(ads).values()) == 30


def test_an_account_out_of_reach_is_named(ads: Vendor) -> None:
    with pytest.raises(SourceFailed, match=r"lacks (access|ads_read|r_ads)"):
        ads.check()
    with pytest.raises(SourceFailed, match="reaches no advertising account"):
        ads.sync()
    known = ads.api.platform.account()
    ads.configure(accounts=[known, "4711"])
    with pytest.raises(SourceFailed, match="does not reach the advertising account 4711"):
        ads.sync()
    ads.configure(accounts=[known])
    ads.sync()


def test_pages_that_are_small_repeat_and_are_unordered(ads: Vendor) -> None:
    platform = ads.api.platform
    campaigns = [platform.campaign(platform.account(), f"C{number}") for number in range(5)]
    for number, campaign in enumerate(campaigns):
        for days in range(1, 8):
            platform.book(campaign, ago(days), number + days)
    quirks = ads.api.quirks
    quirks.page_size, quirks.duplicates, quirks.unordered = 3, True, True
    ads.sync()
    assert sum(costs(ads).values()) == sum(n + d for n in range(5) for d in range(1, 8))
    assert len(costs(ads)) == 35
