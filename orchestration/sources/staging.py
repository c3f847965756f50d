"""The private file in which one source's records are gathered and compared with the log."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration.sources.batch import Batch
from orchestration.sources.tables import PROBLEM_COLUMNS, READ_COLUMNS, RawTable, definition
from orchestration.sources.values import sql_type
from orchestration.warehouse import identifier, literal, open_build

# One record is one JSON line; the cells of a record are capped, so no line is ever this long.
_MAX_LINE_BYTES = 128 * 2**20


def _field(position: int) -> str:
    return f"json[{position + 1}]"


class Staging:
    """A DuckDB file for the length of one extraction. Its tables are described where they are made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._con = open_build(folder / "staging.duckdb")
        self._con.execute("set memory_limit = '1GB'")
        self._con.execute(f"create table reads ({definition(READ_COLUMNS)})")
        self._con.execute(f"create table problems ({definition(PROBLEM_COLUMNS)})")

    def close(self) -> None:
        """Release the file."""
        self._con.close()

    def run(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement; returns its rows."""
        return self._con.execute(sql, list(values)).fetchall()

    def count(self, rows: str) -> int:
        """How many rows a FROM clause yields."""
        ((number,),) = self.run(f"select count(*) from {rows}")
        return int(number)

    def create(self, table: str, columns: Iterable[str]) -> None:
        """Make an empty table of text columns, in place of one that is there."""
        names = ", ".join(f"{identifier(name)} varchar" for name in columns)
        self.run(f"create or replace table {table} ({names})")

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows of text and numbers to the text columns of a table."""
        values = {name: _field(position) for position, name in enumerate(columns)}
        self._insert(table, values, rows)

    def create_staged(self, table: RawTable) -> None:
        """Make the empty table `staged` for records of a raw table, in their types."""
        columns = {**table.columns, "_key": "text", "_content_hash": "text", "_row": "integer"}
        self.run(f"create or replace table staged ({definition({**columns, '_sequence': 'integer'})})")

    def insert_batch(self, table: RawTable, batch: Batch, first: int) -> None:
        """Append a batch to `staged`, with each record's hash, row number and place in the read."""
        found = {name: values for name, values in batch.columns.items() if name in table.columns}
        fields = {name: _field(position) for position, name in enumerate([*found, "_row", "_sequence"])}
        values = {
            name: f"cast({field} as {sql_type(table.columns.get(name, 'integer'))})"
            for name, field in fields.items()
        }
        values["_key"] = fields[table.key]
        # An empty value leaves no trace in the hash: a column that is new in the contract changes no record.
        content = ", ".join(
            f"{literal(name + '=')} || length({fields[name]}) || ':' || {fields[name]}"
            for name in sorted(found)
        )
        values["_content_hash"] = f"sha256(concat({content}))"
        sequence = range(first, first + batch.accepted)
        self._insert("staged", values, zip(*found.values(), batch.row_numbers, sequence, strict=True))

    def _insert(self, table: str, values: Mapping[str, str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows, given an expression for each column. DuckDB reads JSON far faster than parameters."""
        file = self._folder / "rows.jsonl"
        encode = json.JSONEncoder(ensure_ascii=False).encode
        with file.open("w", encoding="utf-8") as lines:
            lines.writelines(encode(row) + "\n" for row in rows)
        if file.stat().st_size:
            self.run(
                f"insert into {table} ({', '.join(map(identifier, values))})"
                f" select {', '.join(values.values())}"
                f" from read_json({literal(str(file))}, format = 'newline_delimited', auto_detect = false,"
                f" records = false, columns = {{json: 'varchar[]'}}, maximum_object_size = {_MAX_LINE_BYTES})"
            )

    def exporter(self, table: str) -> Callable[[str, Path], int]:
        """A function that writes a table as Parquet, stamped with a load id, and returns how many rows."""

        def export(load_id: str, file: Path) -> int:
            stamp = literal(f"{load_id} {table} ")
            self.run(
                f"copy (select *, {literal(load_id)} as _dlt_load_id,"
                f" left(sha256({stamp} || row_number() over ()), 16) as _dlt_id from {identifier(table)})"
                f" to {literal(str(file))} (format parquet)"
            )
            return self.count(identifier(table))

        return export
