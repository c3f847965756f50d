"""HubSpot: objects with their history and associations, pipelines, owners, marketing e-mails and forms."""

from orchestration.sources.hubspot.extract import HubspotConnector

CONNECTOR = HubspotConnector

__all__ = ["CONNECTOR"]
