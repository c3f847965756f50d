"""The tables of Meta Ads. What they become is in models/sources/meta_ads/."""

from orchestration.sources.api.advertising import advertising_tables

TABLES = advertising_tables(
    accounts="/me/adaccounts",
    campaigns="/act_{account}/campaigns",
    days="/act_{account}/insights",
    permission="ads_read",
    see_reports="ads_read, and View performance on the ad accounts",
)
