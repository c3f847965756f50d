"""Stripe: lists once, then what the feed of events says has changed."""

from orchestration.sources.stripe.extract import StripeConnector

CONNECTOR = StripeConnector

__all__ = ["CONNECTOR"]
