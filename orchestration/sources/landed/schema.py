"""A schema that a replication service keeps in a DuckDB file or in PostgreSQL, open for reading."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import ConfigurationError, SourceFailed
from orchestration.sources.database.connection import connect
from orchestration.warehouse import identifier, open_foreign

Row = dict[str, Any]
_Fetch = Callable[[str], Iterator[list[Row]]]

_CHUNK_ROWS = 10_000
_COLUMNS = (
    "select table_name, column_name, data_type from information_schema.columns"
    " where table_schema = '{schema}' order by table_name, ordinal_position"
)


@dataclass(frozen=True)
class LandedSchema:
    """Tables and their columns with their types, all names in lower case, and a way to ask for rows."""

    name: str
    tables: Mapping[str, Mapping[str, str]]
    fetch: _Fetch
    _own_names: Mapping[tuple[str, str], str]

    def relation(self, table: str) -> str:
        """A FROM clause of a table, its columns under their names in lower case."""
        columns = ", ".join(
            f"{identifier(self._own_names[table, column])} as {identifier(column)}"
            for column in self.tables[table]
        )
        own = self._own_names[table, ""]
        return f"(select {columns} from {identifier(self.name)}.{identifier(own)})"

    def own_name(self, table: str, column: str) -> str:
        """The name of a column as the service spells it."""
        return self._own_names.get((table, column), column)

    def rows(self, sql: str, objects: Sequence[str] = ()) -> Iterator[list[Row]]:
        """The rows of a query in chunks, times as UTC texts; `objects` are columns of JSON."""
        for chunk in self.fetch(sql):
            for row in chunk:
                row.update({name: nested(row[name]) for name in objects if name in row})
            yield [{name: _plain(value) for name, value in row.items()} for row in chunk]

    def value(self, sql: str) -> list[object]:
        """The values of the only row of a query."""
        ((row,),) = self.fetch(sql)
        return [_plain(value) for value in row.values()]


def nested(value: object) -> object:
    """The object or list that a column of JSON holds, as text or already taken apart."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


@contextmanager
def open_schema(source: str, schema: str, path: Path | None) -> Iterator[LandedSchema]:
    """Open `schema` of the DuckDB file `path`, else of the PostgreSQL database at REVOPS_<SOURCE>_DSN.

    All tables are read as of one moment. Raises ConfigurationError where there is no such file or schema,
    SourceFailed where reading fails.
    """
    with _duckdb(source, path) if path else _database(source) as fetch:
        found = [
            (row["table_name"], row["column_name"], row["data_type"])
            for chunk in fetch(_COLUMNS.format(schema=schema.replace("'", "''")))
            for row in chunk
        ]
        if not found:
            raise ConfigurationError(
                f"Source '{source}': {path or 'its database'} has no tables in a schema '{schema}'; correct"
                " sources." + source + ".schema, or wait for the first sync."
            )
        tables: dict[str, dict[str, str]] = {}
        own_names: dict[tuple[str, str], str] = {}
        for table, column, kind in found:
            tables.setdefault(table.lower(), {})[column.lower()] = kind.lower()
            own_names[table.lower(), column.lower()] = column
            own_names[table.lower(), ""] = table
        yield LandedSchema(schema, tables, fetch, own_names)


@contextmanager
def _duckdb(source: str, path: Path) -> Iterator[_Fetch]:
    if not path.is_file():
        raise ConfigurationError(f"Source '{source}': its DuckDB file {path} does not exist; correct it.")

    def fetch(sql: str) -> Iterator[list[Row]]:
        with closing(con.cursor()) as cursor:
            cursor.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            while chunk := cursor.fetchmany(_CHUNK_ROWS):
                yield [dict(zip(names, row, strict=True)) for row in chunk]

    try:
        with closing(open_foreign(path)) as con:
            yield fetch
    except duckdb.Error as failure:
        reason = str(failure).strip().splitlines()[0].rstrip(".")
        raise SourceFailed(f"Source '{source}' cannot be read: {reason}; check {path}.") from failure


@contextmanager
def _database(source: str) -> Iterator[_Fetch]:
    with connect(source) as connection:

        def fetch(sql: str) -> Iterator[list[Row]]:
            result = connection.execution_options(stream_results=True, yield_per=_CHUNK_ROWS).exec_driver_sql(
                sql
            )
            for partition in result.mappings().partitions(_CHUNK_ROWS):
                yield [dict(row) for row in partition]

        yield fetch


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(" ")
    return value.isoformat() if isinstance(value, date) else value
