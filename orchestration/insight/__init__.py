"""Fits that SQL alone does not do: each reads revenue tables of the build file and writes one table of
schema `insight`.
"""

from datetime import date

import duckdb

from orchestration.insight import forecast, outcome_curves, purchases, retention_curves
from orchestration.settings import Reporting


def write(con: duckdb.DuckDBPyConnection, as_of: date, reporting: Reporting) -> None:
    """Write every table of the schema."""
    retention_curves.write(con)
    purchases.write(con)
    outcome_curves.write(con, as_of)
    forecast.write(con, as_of, reporting)
