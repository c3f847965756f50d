"""Chargebee: lists of what changed, and the events of subscriptions for their history."""

from orchestration.sources.chargebee.extract import ChargebeeConnector

CONNECTOR = ChargebeeConnector

__all__ = ["CONNECTOR"]
