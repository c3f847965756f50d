"""Intercom: contacts, companies, conversations with their ratings, and tickets."""

from orchestration.sources.intercom.extract import IntercomConnector

CONNECTOR = IntercomConnector

__all__ = ["CONNECTOR"]
