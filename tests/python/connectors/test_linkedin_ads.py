"""The LinkedIn Ads connector: what is LinkedIn's own beside what all advertising platforms do."""

from datetime import timedelta

import pytest
from vendor import START, Vendor

from orchestration.errors import SourceFailed
from orchestration.sources.linkedin_ads import extract
from sandbox.vendors.faults import Fault

DAY = START.date() - timedelta(days=1)


def test_a_report_that_is_cut_off_is_asked_for_in_halves(
    linkedin_ads: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = linkedin_ads.api.platform
    account = platform.account()
    campaigns = [platform.campaign(account) for _ in range(4)]
    for campaign in campaigns:
        for days in range(60):
            platform.book(campaign, DAY - timedelta(days=days), "1.5")
    monkeypatch.setattr(extract, "_MOST_ROWS", 50)
    linkedin_ads.api.most_rows = 50
    linkedin_ads.sync()
    assert sum(row["amount"] for row in linkedin_ads.entry("spend").values()) == 4 * 60 * 3 / 2

    monkeypatch.setattr(extract, "_MOST_ROWS", 4)
    linkedin_ads.api.most_rows = 4
    with pytest.raises(SourceFailed, match="has 4 campaigns or more on"):
        linkedin_ads.sync(full_refresh=True)


def test_a_version_that_is_over_is_named(linkedin_ads: Vendor) -> None:
    linkedin_ads.configure(api_version="202404")
    with pytest.raises(SourceFailed, match=r"\(426\); set a newer api_version"):
        linkedin_ads.check()


def test_a_missing_scope_is_named(linkedin_ads: Vendor) -> None:
    linkedin_ads.api.platform.account()
    linkedin_ads.api.hidden.add("adAnalytics")
    with pytest.raises(SourceFailed, match="lacks r_ads_reporting; grant it"):
        linkedin_ads.check()
    linkedin_ads.api.hidden = {"adAccounts"}
    with pytest.raises(SourceFailed, match="lacks r_ads, r_ads_reporting; grant it"):
        linkedin_ads.check()


def test_a_token_that_expires_on_the_way_is_renewed(linkedin_ads: Vendor) -> None:
    platform = linkedin_ads.api.platform
    platform.book(platform.campaign(platform.account()), DAY, 5)
    linkedin_ads.api.faults.append(Fault("expire", "adAnalytics", nth=2))
    linkedin_ads.sync()
    assert len(linkedin_ads.entry("spend")) == 1
    assert linkedin_ads.paths().count("/token") == 2


def test_what_models_do_not_read_is_in_custom(linkedin_ads: Vendor) -> None:
    platform = linkedin_ads.api.platform
    campaign = platform.campaign(platform.account())
    linkedin_ads.sync()
    assert linkedin_ads.custom("campaigns", campaign)["type"] == "SPONSORED_UPDATES"
