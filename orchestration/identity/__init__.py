"""Which records are the same company, the same person, and why."""

from orchestration.identity.resolve import ResolveReport, resolve

__all__ = ["ResolveReport", "resolve"]
