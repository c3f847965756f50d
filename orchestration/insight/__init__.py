"""Fits that SQL alone does not do: each reads revenue tables of the build file and writes tables of schema
`insight`, which models of metrics read.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from orchestration.settings import Settings


def write(con: duckdb.DuckDBPyConnection, settings: Settings, only: Collection[str] | None = None) -> None:
    """Write every table of schema `insight`, or those fits of which a table is among `only`."""
    # imported here: numpy and scipy cost a command that fits nothing a good part of a second
    from orchestration.insight import attribution, retention_curves

    if only is None or "retention_curves" in only:
        retention_curves.write(con)
    if only is None or {"attribution", "attribution_channels"} & set(only):
        attribution.write(con, settings.reporting.timezone)
