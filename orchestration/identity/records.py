"""The records identity works on, read from the entry tables of the build file."""

from __future__ import annotations

import json
from collections.abc import Iterable

import duckdb

from orchestration.identity.policy import Entity, RecordKey

_TABLE: dict[Entity, str] = {"account": "accounts", "person": "people"}
_REFERENCES: dict[Entity, tuple[tuple[str, str], ...]] = {
    "account": tuple(
        (table, "account_source_id")
        for table in (
            "opportunities", "subscription_periods", "contracts", "invoices", "tickets", "people",
            "touches", "surveys", "product_usage", "tasks",
        )
    ),
    "person": tuple(
        (table, "person_source_id")
        for table in ("opportunities", "funnel_events", "opportunity_people", "touches", "tickets", "surveys")
    ),
}  # fmt: skip


def columns_of(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> frozenset[str]:
    """Column names of a table, empty when it does not exist."""
    found = con.execute(
        "select column_name from information_schema.columns where table_schema = ? and table_name = ?"
        " and table_catalog = current_database()",
        [schema, table],
    ).fetchall()
    return frozenset(row[0] for row in found)


def entry_table(kind: Entity) -> str:
    """Name of the entry table of a kind."""
    return _TABLE[kind]


def dangling_references(con: duckdb.DuckDBPyConnection, kind: Entity) -> list[RecordKey]:
    """Record keys that facts point at and the entry table does not have, sorted."""
    parts = [
        f'select source_system, {column} as source_id from entry."{table}" where {column} is not null'
        for table, column in _REFERENCES[kind]
        if {column, "source_system"} <= columns_of(con, "entry", table)
    ]
    if not parts:
        return []
    own = columns_of(con, "entry", _TABLE[kind])
    known = (
        f"select source_system, source_id from entry.{_TABLE[kind]}"
        if own
        else "select null, null where false"
    )
    found = con.execute(f"({' union '.join(parts)}) except ({known}) order by 1, 2").fetchall()
    return [(str(s), str(i)) for s, i in found]


def linked_keys(text: str | None) -> Iterable[RecordKey]:
    """Record keys inside a `linked_ids` object; ids may be text, numbers or lists of them."""
    if not text:
        return ()
    try:
        found = json.loads(text)
    except ValueError:
        return ()
    if not isinstance(found, dict):
        return ()
    keys: list[RecordKey] = []
    for system, value in found.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, (str, int)) and not isinstance(item, bool) and str(item).strip():
                keys.append((str(system), str(item).strip()))
    return keys
