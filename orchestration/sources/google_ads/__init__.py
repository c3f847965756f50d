"""Google Ads: accounts, campaigns and their cost per day, by queries."""

from orchestration.sources.google_ads.extract import GoogleAdsConnector

CONNECTOR = GoogleAdsConnector

__all__ = ["CONNECTOR"]
