"""Zendesk: tickets, users and organizations through the incremental exports, ratings and groups as lists."""

from orchestration.sources.zendesk.extract import ZendeskConnector

CONNECTOR = ZendeskConnector

__all__ = ["CONNECTOR"]
