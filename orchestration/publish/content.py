"""Hashes of what a table says, whatever the order of its rows and the layout of its file."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import duckdb

from orchestration.publish.tables import PublishedTable
from orchestration.warehouse import identifier

_CHUNK = 1 << 20


def table_hash(
    con: duckdb.DuckDBPyConnection, table: PublishedTable, database: str | None = None
) -> tuple[int, str]:
    """Row count and content hash of a table. Reads every value of every hashed column.

    Equal for equal rows in any order, on any DuckDB version; duplicates count; names and types are part of
    it.
    """
    columns = table.hashed_columns
    row = " || ".join(_value(column, kind) for column, kind in columns.items()) or "''"
    source = f"{identifier(database)}.{table.sql_name}" if database else table.sql_name
    ((rows, total, parity),) = con.execute(
        "select count(*), coalesce(sum(row_hash), 0), coalesce(bit_xor(row_hash), 0)"
        f" from (select md5_number_lower({row}) as row_hash from {source}) as hashed"
    ).fetchall()
    names = ",".join(f"{column}:{kind}" for column, kind in columns.items())
    return rows, hashlib.sha256(f"{table.full_name}|{names}|{rows}|{total}|{parity}".encode()).hexdigest()


def combined_hash(hashes: Iterable[tuple[str, str]]) -> str:
    """One hash over (table, content hash) pairs in the order of their names."""
    return hashlib.sha256(
        "\n".join(f"{name} {digest}" for name, digest in sorted(hashes)).encode()
    ).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _value(column: str, kind: str) -> str:
    # Nested values are printed as JSON, whose form does not change between versions of DuckDB.
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
    text = f"cast({'to_json' if nested else ''}({identifier(column)}) as varchar)"
    # The length keeps ('ab', 'c') apart from ('a', 'bc').
    return f"coalesce(length({text}) || ':' || {text}, '-')"
