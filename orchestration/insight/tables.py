"""How a fit hands its numbers to the models: one table of schema `insight`."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from orchestration.warehouse import identifier


def write_table(
    con: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Sequence[Sequence[Any]],
) -> int:
    """Write `insight.<name>` anew, with these columns and DuckDB types; returns its rows."""
    con.execute("create schema if not exists insight")
    stated = ", ".join(f"{identifier(column)} {kind}" for column, kind in columns.items())
    con.execute(f"create or replace table insight.{identifier(name)} ({stated})")
    if rows:
        values = zip(*rows, strict=True)
        found = pa.table({column: list(value) for column, value in zip(columns, values, strict=True)})
        con.register("insight_rows", found)
        con.execute(f"insert into insight.{identifier(name)} select * from insight_rows")
        con.unregister("insight_rows")
    return len(rows)
