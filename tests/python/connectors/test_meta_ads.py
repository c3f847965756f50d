"""The Meta Ads connector: what is Meta's own beside what all advertising platforms do."""

import json
from datetime import timedelta

import pytest
from vendor import START, Vendor

from orchestration.errors import SourceFailed
from sandbox.vendors.faults import Fault

DAY = START.date() - timedelta(days=1)


def booked(meta_ads: Vendor) -> str:
    platform = meta_ads.api.platform
    campaign: str = platform.campaign(platform.account())
    platform.book(campaign, DAY, 5)
    return campaign


def test_a_report_is_waited_for(meta_ads: Vendor) -> None:
    booked(meta_ads)
    meta_ads.api.polls = 12
    meta_ads.configure(history_days=90)
    meta_ads.sync()
    assert len(meta_ads.entry("spend")) == 1
    # Shorter ones keep to the vendor's rate.
    assert [wait for wait in meta_ads.waits if wait >= 1] == [1, 2, 4, 8, 16, *[30] * 7]


def test_a_report_that_fails_is_ordered_in_halves(meta_ads: Vendor) -> None:
    campaign = booked(meta_ads)
    for days in range(2, 100):
        meta_ads.api.platform.book(campaign, START.date() - timedelta(days=days), 1)
    meta_ads.api.report_days = 30
    meta_ads.configure(history_days=120)
    meta_ads.sync()
    assert sum(row["amount"] for row in meta_ads.entry("spend").values()) == 5 + 98
    meta_ads.api.report_days = 0
    with pytest.raises(SourceFailed, match=r"Meta cannot make the report of .* \(Job Failed\)"):
        meta_ads.sync()


def test_costs_of_deleted_campaigns_are_read_from_the_beginning(meta_ads: Vendor) -> None:
    campaign = booked(meta_ads)
    meta_ads.api.platform.remove(campaign)
    meta_ads.sync()
    assert [row["amount"] for row in meta_ads.entry("spend").values()] == [5]
    assert meta_ads.entry("campaigns") == {}


def test_budgets_of_currencies_without_cents(meta_ads: Vendor) -> None:
    platform = meta_ads.api.platform
    yen = platform.campaign(platform.account("JPY", "Asia/Tokyo"), budget="70000")
    platform.campaign(platform.account("USD"))
    meta_ads.sync()
    budgets = {key: row["budget_amount"] for key, row in meta_ads.entry("campaigns").items()}
    assert budgets.pop(yen) == 70000 and list(budgets.values()) == [None]


@pytest.mark.parametrize("code", [17, 613, 80004])
def test_limits_are_waited_for_in_minutes_as_the_header_says(meta_ads: Vendor, code: int) -> None:
    booked(meta_ads)
    usage = {"123": [{"type": "ads_insights", "estimated_time_to_regain_access": 3}]}
    limit = Fault(
        "status",
        "insights",
        status=400,
        headers={"x-business-use-case-usage": json.dumps(usage)},
        body=json.dumps({"error": {"code": code, "message": "User request limit reached"}}),
    )
    meta_ads.api.faults.append(limit)
    meta_ads.configure(history_days=30)
    meta_ads.sync()
    assert max(meta_ads.waits) == 180 and len(meta_ads.entry("spend")) == 1


@pytest.mark.parametrize(
    ("credential", "sentence"),
    [
        ("ACCESS_TOKEN", r"does not take the access token \(code 190\)"),
        ("APP_SECRET", "Invalid appsecret_proof"),
    ],
)
def test_what_is_wrong_with_the_credentials_is_said(
    meta_ads: Vendor, monkeypatch: pytest.MonkeyPatch, credential: str, sentence: str
) -> None:
    monkeypatch.setenv(f"REVOPS_CRM_{credential}", "wrong-canary")
    with pytest.raises(SourceFailed, match=sentence) as failure:
        meta_ads.check()
    assert "wrong-canary" not in str(failure.value)


def test_a_missing_right_is_named(meta_ads: Vendor) -> None:
    account = meta_ads.api.platform.account()
    meta_ads.api.hidden.add(f"act_{account}/insights")
    with pytest.raises(SourceFailed, match="lacks ads_read, and View performance on the ad accounts"):
        meta_ads.check()
    meta_ads.configure(accounts=[f"act_{account}"])
    meta_ads.api.hidden.clear()
    assert len(meta_ads.check()) == 3
