"""Mailshake: every list read whole, since none can be asked for what changed."""

from orchestration.sources.mailshake.extract import MailshakeConnector

CONNECTOR = MailshakeConnector

__all__ = ["CONNECTOR"]
