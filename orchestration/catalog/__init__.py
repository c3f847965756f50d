"""The catalog: every published table and column, what it means, who owns it, where it comes from."""

from orchestration.catalog.build import build

__all__ = ["build"]
