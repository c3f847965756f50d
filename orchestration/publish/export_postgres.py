"""A copy of the published schemas in a PostgreSQL database, for the BI tools that speak nothing else.

The copy is written beside the one in use and takes its place in one transaction: a reader sees the old tables
or the new ones, never some of each.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from orchestration.errors import RevopsError
from orchestration.settings import SCHEMAS
from orchestration.warehouse import identifier, tables

_STAGING = "__next"
_OURS = "Published by revops; replaced by every export."
_ROWS_AT_ONCE = 10_000
# Any number, as long as every export takes the same one.
_LOCK = 7_310_579
_SWAP_ATTEMPTS = 30
# Below PostgreSQL's own deadlock_timeout of one second, so that it is the swap that gives way, not a reader.
_LOCK_TIMEOUT = "700ms"
_PAUSE_SECONDS = 1.0
_HASH_RANGE = 2**256

_TYPES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "numeric(39, 0)",
    "UBIGINT": "numeric(20, 0)",
    "UINTEGER": "bigint",
    "FLOAT": "double precision",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    # Text keeps the document as it was published; json would be equal in meaning only.
    "JSON": "text",
}


@dataclass(frozen=True)
class ExportedTable:
    """A table as it lies in PostgreSQL; `content` was compared with that of the published table."""

    schema: str
    name: str
    rows: int
    content: str


@dataclass(frozen=True)
class _Source:
    schema: str
    name: str
    columns: dict[str, str]

    @property
    def sql_name(self) -> str:
        return f"{identifier(self.schema)}.{identifier(self.name)}"


def export_postgres(published: duckdb.DuckDBPyConnection, dsn: str) -> list[ExportedTable]:
    """Replace the published schemas in the database `dsn` names, and say what lies there now.

    Raises RevopsError when the database refuses, when a table arrives other than it was sent, when a schema
    of the same name is not an earlier export, when something else depends on the old tables, or when readers
    hold them for longer than the export waits; the copy in use is untouched then.
    """
    try:
        with psycopg.connect(dsn, connect_timeout=15, autocommit=True) as con:
            _be_the_only_one(con)
            _refuse_foreign_schemas(con)
            sources = list(_sources(published))
            exported = _load(published, con, sources)
            _swap(con)
            return exported
    except psycopg.Error as failure:
        raise RevopsError(f"PostgreSQL refused the export: {_first_line(failure)}.") from failure


def _sources(published: duckdb.DuckDBPyConnection) -> Iterator[_Source]:
    ((database,),) = published.execute("select current_database()").fetchall()
    for schema in SCHEMAS:
        for name, columns in tables(published, database, schema).items():
            yield _Source(schema, name, columns)


def _load(
    published: duckdb.DuckDBPyConnection, con: psycopg.Connection[Any], sources: Sequence[_Source]
) -> list[ExportedTable]:
    """Write every table into the staging schemas and check that it arrived."""
    comments = _comments(published)
    with con.transaction():
        for schema in SCHEMAS:
            con.execute(sql.SQL("drop schema if exists {} cascade").format(_staging(schema)))
            con.execute(sql.SQL("create schema {}").format(_staging(schema)))
            con.execute(sql.SQL("comment on schema {} is {}").format(_staging(schema), sql.Literal(_OURS)))
        exported = [_copy(published, con, source, comments) for source in sources]
    for source in sources:
        con.execute(sql.SQL("analyze {}").format(_staging(source.schema, source.name)))
    return exported


def _copy(
    published: duckdb.DuckDBPyConnection,
    con: psycopg.Connection[Any],
    source: _Source,
    comments: dict[tuple[str, str, str | None], str],
) -> ExportedTable:
    target = _staging(source.schema, source.name)
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_postgres_type(kind)))
        for name, kind in source.columns.items()
    ]
    con.execute(sql.SQL("create table {} ({})").format(target, sql.SQL(", ").join(columns)))
    names = sql.SQL(", ").join(map(sql.Identifier, source.columns))
    sent = _Content()
    with con.cursor().copy(sql.SQL("copy {} ({}) from stdin").format(target, names)) as copy:
        for row in _rows(published, source):
            copy.write_row(row)
            sent.add(row)
    arrived = _Content()
    with con.cursor(name="arrived") as cursor:
        cursor.itersize = _ROWS_AT_ONCE
        cursor.execute(sql.SQL("select {} from {}").format(names, target))
        for row in cursor:
            arrived.add(row)
    if arrived != sent:
        raise RevopsError(
            f"{source.schema}.{source.name} did not arrive in PostgreSQL as it was published;"
            " nothing was replaced."
        )
    _comment(con, source, comments)
    return ExportedTable(source.schema, source.name, sent.rows, sent.digest)


def _rows(published: duckdb.DuckDBPyConnection, source: _Source) -> Iterator[tuple[Any, ...]]:
    listed = ", ".join(identifier(name) for name in source.columns)
    cursor = published.cursor()
    cursor.execute(f"select {listed} from {source.sql_name}")
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        for row in rows:
            # PostgreSQL has no text with the character NUL.
            yield tuple(value.replace("\x00", "") if isinstance(value, str) else value for value in row)


def _swap(con: psycopg.Connection[Any]) -> None:
    """Let the staged schemas take the place of those in use, waiting for readers to finish."""
    for attempt in range(_SWAP_ATTEMPTS):
        try:
            with con.transaction():
                _replace(con)
            return
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt < _SWAP_ATTEMPTS - 1:
                time.sleep(_PAUSE_SECONDS)
    raise RevopsError(
        "Readers hold the tables in PostgreSQL for longer than the export waits;"
        " end their transactions and export again."
    )


def _replace(con: psycopg.Connection[Any]) -> None:
    con.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
    # A reader holds the tables it has named until its transaction ends. With all of them locked no reader is
    # halfway through the old ones, and whoever waits finds the new ones.
    in_use = [sql.Identifier(schema, name) for schema, name in _tables_in_use(con)]
    for table in in_use:
        con.execute(sql.SQL("lock table {} in access exclusive mode").format(table))
    _keep_privileges(con)
    # Without cascade: what others built on the tables is theirs to drop.
    for table in in_use:
        con.execute(sql.SQL("drop table {}").format(table))
    for schema in SCHEMAS:
        name = sql.Identifier(schema)
        con.execute(sql.SQL("drop schema if exists {}").format(name))
        con.execute(sql.SQL("alter schema {} rename to {}").format(_staging(schema), name))


def _be_the_only_one(con: psycopg.Connection[Any]) -> None:
    """Raise if another export is writing to this database; the lock ends with the connection."""
    row = con.execute("select pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
    if row is None or not row[0]:
        raise RevopsError("Another export is writing to this database; wait until it has ended.")


def _refuse_foreign_schemas(con: psycopg.Connection[Any]) -> None:
    """Raise if one of the schemas was made by somebody else: it would be dropped."""
    found = con.execute(
        "select nspname from pg_namespace where nspname = any(%s)"
        " and obj_description(oid, 'pg_namespace') is distinct from %s order by 1",
        [list(SCHEMAS), _OURS],
    ).fetchall()
    if found:
        names = ", ".join(name for (name,) in found)
        raise RevopsError(
            f"The database already has schemas that no export made ({names});"
            " give the export a database of its own."
        )


def _keep_privileges(con: psycopg.Connection[Any]) -> None:
    """Give whoever may read a schema or table now the same right on the one that takes its place."""
    schemas = con.execute(
        "select nspname, rolname, privilege_type from pg_namespace cross join aclexplode(nspacl) as acl"
        " left join pg_roles on pg_roles.oid = acl.grantee where nspname = any(%s)",
        [list(SCHEMAS)],
    ).fetchall()
    for schema, role, privilege in schemas:
        _grant(con, privilege, sql.SQL("schema {}").format(_staging(schema)), role)
    granted = con.execute(
        "select nspname, relname, rolname, privilege_type from pg_class"
        " join pg_namespace on pg_namespace.oid = relnamespace cross join aclexplode(relacl) as acl"
        " left join pg_roles on pg_roles.oid = acl.grantee where nspname = any(%s) and relkind = 'r'"
        " and to_regclass(quote_ident(nspname || %s) || '.' || quote_ident(relname)) is not null",
        [list(SCHEMAS), _STAGING],
    ).fetchall()
    for schema, name, role, privilege in granted:
        _grant(con, privilege, sql.SQL("table {}").format(_staging(schema, name)), role)


def _grant(con: psycopg.Connection[Any], privilege: str, on: sql.Composable, role: str | None) -> None:
    to = sql.SQL("public") if role is None else sql.Identifier(role)
    con.execute(sql.SQL("grant {} on {} to {}").format(sql.SQL(privilege), on, to))


def _tables_in_use(con: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    return con.execute(
        "select schemaname, tablename from pg_tables where schemaname = any(%s) order by 1, 2",
        [list(SCHEMAS)],
    ).fetchall()


def _comments(published: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str | None], str]:
    rows: list[tuple[str, str, str | None, str | None]] = published.execute(
        "select schema_name, table_name, null, comment from duckdb_tables()"
        " union all select schema_name, table_name, column_name, comment from duckdb_columns()"
    ).fetchall()
    return {(schema, table, column): comment for schema, table, column, comment in rows if comment}


def _comment(
    con: psycopg.Connection[Any], source: _Source, comments: dict[tuple[str, str, str | None], str]
) -> None:
    target = _staging(source.schema, source.name)
    if about := comments.get((source.schema, source.name, None)):
        con.execute(sql.SQL("comment on table {} is {}").format(target, sql.Literal(about)))
    for column in source.columns:
        if about := comments.get((source.schema, source.name, column)):
            place = sql.Identifier(source.schema + _STAGING, source.name, column)
            con.execute(sql.SQL("comment on column {} is {}").format(place, sql.Literal(about)))


def _staging(schema: str, *names: str) -> sql.Identifier:
    return sql.Identifier(schema + _STAGING, *names)


def _postgres_type(kind: str) -> str:
    if kind.endswith("[]"):
        return f"{_postgres_type(kind[:-2])}[]"
    if kind.startswith("DECIMAL"):
        return kind.replace("DECIMAL", "numeric")
    if kind not in _TYPES:
        raise RevopsError(f"No PostgreSQL type is known for {kind}; leave the column out or cast it.")
    return _TYPES[kind]


class _Content:
    """What a table says, whatever the order of its rows: their number and the sum of their hashes."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: Iterable[Any]) -> None:
        self.rows += 1
        text = "\x1f".join(map(_canonical, row))
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")) % _HASH_RANGE

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.rows} {self._sum}".encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Content) and self.digest == other.digest

    __hash__ = None  # type: ignore[assignment]


def _canonical(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return f"b{value:d}"
        case int() | Decimal():
            digits = f"{Decimal(value):f}"
            return f"n{digits.rstrip('0').rstrip('.') if '.' in digits else digits}"
        case float():
            return f"f{value!r}"
        case datetime() | date():
            return f"d{value.isoformat()}"
        case list() | tuple():
            return f"[{len(value)}{''.join(f'|{_canonical(each)}' for each in value)}]"
        case _:
            return f"t{len(value)}:{value}"


def _first_line(failure: Exception) -> str:
    lines = str(failure).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(failure).__name__
