"""What the page reads: tables of the published schemas that exist, and their columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from orchestration.dashboard.encoding import text
from orchestration.settings import SCHEMAS
from orchestration.warehouse import tables

# The dimensions of metrics.kpi_values that the page filters by, in the order in which a KPI follows them.
FILTERS = ("segment", "region", "team", "product")

_FILTER_VALUES_KEPT = 60

Parameters = Sequence[Any] | Mapping[str, Any]


class Published:
    """A read-only view of one published file."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        ((database,),) = con.execute("select current_database()").fetchall()
        self.columns: dict[str, tuple[str, ...]] = {
            f"{schema}.{table}": tuple(columns)
            for schema in SCHEMAS
            for table, columns in tables(con, database, schema).items()
        }

    def has(self, table: str, *columns: str) -> bool:
        """Whether `table` (schema.table) is published with all of `columns`."""
        return set(columns) <= set(self.columns[table]) if table in self.columns else False

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._con.execute(sql, parameters).fetchall()

    def read(self, sql: str, parameters: Parameters = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and all rows of a query."""
        cursor = self._con.execute(sql, parameters)
        return [column[0] for column in cursor.description or []], cursor.fetchall()

    def count(self, table: str, where: str = "true") -> int:
        """Rows of a table."""
        return int(self.rows(f"select count(*) from {table} where {where}")[0][0])

    def filter_values(self) -> dict[str, list[str]]:
        """The values of each filter dimension, those with most records behind them, 'unknown' last."""
        found: dict[str, list[str]] = {}
        for dimension in FILTERS:
            rows = self.rows(
                "select dimension_value, max(n) as n from metrics.kpi_values where dimension = ?"
                " group by dimension_value order by n desc nulls last, dimension_value"
                f" limit {_FILTER_VALUES_KEPT}",
                [dimension],
            )
            # Long names are cut on the page; of two that look alike then, only the first can be chosen.
            values = list({text(value): value for value, _ in reversed(rows)}.values())
            found[dimension] = sorted(values, key=lambda value: (value == "unknown", value.casefold(), value))
        return found
