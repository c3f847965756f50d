"""Salesforce: objects through SOQL, with their deleted records and their own custom fields."""

from orchestration.sources.salesforce.extract import SalesforceConnector

CONNECTOR = SalesforceConnector

__all__ = ["CONNECTOR"]
