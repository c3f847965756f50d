"""The scorecard: one static HTML file with everything in it, written from the published tables alone."""

from orchestration.dashboard.build import build

__all__ = ["build"]
