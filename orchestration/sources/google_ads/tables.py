"""The tables of Google Ads. What they become is in models/sources/google_ads/."""

from orchestration.sources.api.advertising import advertising_tables

TABLES = advertising_tables(
    accounts="customer_client",
    campaigns="campaign",
    days="campaign by segments.date",
    permission="access to the Google Ads account, and an approved developer token",
    see_reports="reporting of the Google Ads account",
)
