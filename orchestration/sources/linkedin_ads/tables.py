"""The tables of LinkedIn Ads. What they become is in models/sources/linkedin_ads/."""

from orchestration.sources.api.advertising import advertising_tables

TABLES = advertising_tables(
    accounts="/rest/adAccounts",
    campaigns="/rest/adAccounts/{account}/adCampaigns",
    days="/rest/adAnalytics",
    permission="r_ads",
    see_reports="r_ads_reporting",
)
