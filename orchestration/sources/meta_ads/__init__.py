"""Meta Ads: accounts, campaigns and their cost per day, by asynchronous reports."""

from orchestration.sources.meta_ads.extract import MetaAdsConnector

CONNECTOR = MetaAdsConnector

__all__ = ["CONNECTOR"]
