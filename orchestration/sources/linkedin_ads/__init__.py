"""LinkedIn Ads: accounts, campaigns and their cost per day."""

from orchestration.sources.linkedin_ads.extract import LinkedinAdsConnector

CONNECTOR = LinkedinAdsConnector

__all__ = ["CONNECTOR"]
