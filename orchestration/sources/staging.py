"""The private file in which one source's records are gathered and compared with the log."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from orchestration.sources.batch import Batch
from orchestration.sources.tables import PROBLEM_COLUMNS, READ_COLUMNS, RawTable, definition
from orchestration.warehouse import identifier, literal, open_build

# One record is one JSON line; the cells of a record are capped, so no line is ever this long.
_MAX_LINE_BYTES = 128 * 2**20


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
        """Append rows of text and numbers. DuckDB reads JSON lines far faster than it takes parameters."""
        file = self._folder / "rows.jsonl"
        encode = json.JSONEncoder(ensure_ascii=False).encode
        with file.open("w", encoding="utf-8") as lines:
            lines.writelines(encode(row) + "\n" for row in rows)
        if file.stat().st_size:
            names = ", ".join(map(identifier, columns))
            values = ", ".join(f"json[{position}]" for position in range(1, len(columns) + 1))
            self.run(
                f"insert into {table} ({names}) select {values} from read_json({literal(str(file))},"
                " format = 'newline_delimited', auto_detect = false, records = false,"
                f" columns = {{json: 'varchar[]'}}, maximum_object_size = {_MAX_LINE_BYTES})"
            )

    def insert_batch(self, table: RawTable, batch: Batch, first: int) -> None:
        """Append a batch to `staged`, with each row's number and its place in the whole read."""
        columns: dict[str, Sequence[object]] = {
            name: values for name, values in batch.columns.items() if name in table.columns
        }
        columns["_row"] = batch.row_numbers
        columns["_sequence"] = range(first, first + batch.accepted)
        self.insert("staged", list(columns), zip(*columns.values(), strict=True))

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
