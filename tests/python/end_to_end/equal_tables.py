"""Whether two published files say the same, whatever engine computed them."""

from pathlib import Path

import duckdb

from orchestration.publish.tables import PublishedTable, published_tables
from orchestration.settings import SCHEMAS
from orchestration.warehouse import attached, identifier, open_memory

# Engines take logarithms and roots with libraries of their own, which differ in the last digits of a double.
RELATIVE, ABSOLUTE = 1e-9, 1e-12
# A decimal that was a double on its way has fifteen digits: all that are published, below fifty million.
DIGITS = 2e-14


def differences(one: Path, other: Path) -> list[str]:
    """Tables that differ in a row or a column: exactly, but for the last digits of doubles."""
    with (
        open_memory() as con,
        attached(con, one, "one", read_only=True),
        attached(con, other, "other", read_only=True),
    ):
        found = {each.full_name: each for each in published_tables(con, "one", {})}
        others = {each.full_name: each for each in published_tables(con, "other", {})}
        assert {each.schema for each in found.values()} == set(SCHEMAS)
        if found.keys() != others.keys():
            return sorted(found.keys() ^ others.keys())
        hashed = [table for table in found.values() if table.is_hashed]
        return [table.full_name for table in hashed if not _equal(con, table, others[table.full_name])]


def _equal(con: duckdb.DuckDBPyConnection, one: PublishedTable, other: PublishedTable) -> bool:
    if dict(one.columns) != dict(other.columns):
        return False
    columns = one.hashed_columns
    exact = [
        identifier(name)
        for name, kind in columns.items()
        if kind != "DOUBLE" and not kind.startswith("DECIMAL")
    ]
    decimals = [identifier(name) for name, kind in columns.items() if kind.startswith("DECIMAL")]
    doubles = [identifier(name) for name, kind in columns.items() if kind == "DOUBLE"]
    order = ", ".join([*exact, *decimals, *doubles])
    same = [f"one.{name} is not distinct from other.{name}" for name in exact]
    tolerances = [
        *((name, 0, DIGITS) for name in decimals),
        *((name, ABSOLUTE, RELATIVE) for name in doubles),
    ]
    for name, absolute, relative in tolerances:
        near = f"abs(one.{name} - other.{name}) <= {absolute} + {relative} * abs(cast(one.{name} as double))"
        same.append(f"coalesce({near}, one.{name} is null and other.{name} is null)")
    rows = " full join ".join(
        f"(select *, row_number() over (order by {order}) as place from {side}.{one.sql_name}) as {side}"
        for side in ("one", "other")
    )
    ((differing,),) = con.execute(
        f"select count(*) from {rows} using (place) where not ({' and '.join(same)})"
    ).fetchall()
    return not differing
