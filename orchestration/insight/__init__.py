"""Fits that SQL alone does not do: each reads revenue tables of the build file and writes tables of schema
`insight`, which models of metrics read.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from orchestration.settings import Reporting


def write(
    con: duckdb.DuckDBPyConnection, as_of: date, reporting: Reporting, only: Collection[str] | None = None
) -> None:
    """Write every table of the schema, or those fits of which a table is among `only`."""
    # imported here: scipy costs a command that fits nothing a good part of a second
    from orchestration.insight import (
        attribution,
        forecast,
        outcome_curves,
        process,
        purchases,
        retention_curves,
        scores,
        teams,
    )

    def wanted(*tables: str) -> bool:
        return only is None or any(table in only for table in tables)

    if wanted("retention_curves"):
        retention_curves.write(con)
    if wanted("purchase_values"):
        purchases.write(con)
    if wanted("outcome_curves"):
        outcome_curves.write(con, as_of)
    if wanted("attribution", "attribution_channels"):
        attribution.write(con, reporting.timezone)
    if wanted("bottlenecks"):
        process.write_bottlenecks(con)
    if wanted("handoffs"):
        process.write_handoffs(con)
    if wanted("team_comparisons"):
        teams.write(con)
    if wanted("revenue_forecast", "forecast_backtest", "forecast_scoreboard"):
        forecast.write(con, as_of, reporting)
    if wanted("opportunity_scores", "account_health", "renewal_risk", "lead_scores", "score_records"):
        scores.write(con, as_of, reporting)
