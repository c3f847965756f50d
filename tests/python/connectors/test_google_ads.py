"""The Google Ads connector: what is Google's own beside what all advertising platforms do."""

from datetime import timedelta

import pytest
from vendor import START, Vendor

from orchestration.errors import SourceFailed
from sandbox.vendors.faults import Fault

DAY = START.date() - timedelta(days=1)


def test_channels_are_those_of_the_campaigns(google_ads: Vendor) -> None:
    platform = google_ads.api.platform
    account = platform.account()
    search, video = platform.campaign(account), platform.campaign(account, channel="VIDEO")
    platform.book(search, DAY, 5, conversions=1.5)
    platform.book(video, DAY, 6)
    google_ads.sync()
    found = {row["campaign_source_id"]: row["channel"] for row in google_ads.entry("spend").values()}
    assert found == {search: "SEARCH", video: "VIDEO"}
    days = google_ads.query("select clicks, conversions from landing.raw_crm.campaign_day order by cost")
    assert [tuple(row.values()) for row in days] == [(3, 1.5), (3, 0)]


def test_a_token_that_expires_on_the_way_is_renewed(google_ads: Vendor) -> None:
    platform = google_ads.api.platform
    platform.book(platform.campaign(platform.account()), DAY, 5)
    google_ads.api.faults.append(Fault("expire", "googleAds:search", nth=2))
    google_ads.sync()
    assert len(google_ads.entry("spend")) == 1
    assert google_ads.paths().count("/token") == 2


@pytest.mark.parametrize(
    ("credential", "sentence"),
    [
        ("REFRESH_TOKEN", r"does not take the refresh token \(invalid_grant\)"),
        ("DEVELOPER_TOKEN", "lacks access to the Google Ads account, and an approved developer token"),
    ],
)
def test_what_is_wrong_with_the_credentials_is_said(
    google_ads: Vendor, monkeypatch: pytest.MonkeyPatch, credential: str, sentence: str
) -> None:
    google_ads.api.platform.account()
    monkeypatch.setenv(f"REVOPS_CRM_{credential}", "wrong-canary")
    with pytest.raises(SourceFailed, match=sentence) as failure:
        google_ads.check()
    assert "wrong-canary" not in str(failure.value)


def test_a_user_who_may_not_see_an_account_is_told_which_right_is_missing(google_ads: Vendor) -> None:
    account = google_ads.api.platform.account()
    google_ads.api.hidden.add(account)
    with pytest.raises(SourceFailed, match="lacks access to the Google Ads account"):
        google_ads.check()
    with pytest.raises(SourceFailed, match="USER_PERMISSION_DENIED"):
        google_ads.sync()


def test_a_quota_is_waited_for_as_google_says_it(google_ads: Vendor) -> None:
    platform = google_ads.api.platform
    platform.book(platform.campaign(platform.account()), DAY, 5)
    error = (
        '{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"errors": [{"errorCode":'
        ' {"quotaError": "RESOURCE_TEMPORARILY_EXHAUSTED"}, "details": {"quotaErrorDetails":'
        ' {"retryDelay": "%ds"}}}]}]}}'
    )
    google_ads.api.faults.append(Fault("status", "googleAds", status=429, body=error % 42))
    google_ads.sync()
    assert max(google_ads.waits) == 42 and len(google_ads.entry("spend")) == 1
    google_ads.api.faults.append(Fault("status", "googleAds", status=429, body=error % 80000, times=9))
    with pytest.raises(SourceFailed, match=r"RESOURCE_EXHAUSTED.* wants 80,000 seconds of rest"):
        google_ads.sync()
