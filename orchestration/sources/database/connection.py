"""Opens a database for reading: one snapshot for all tables, nothing written, no credentials in messages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from orchestration.errors import ConfigurationError, SourceFailed
from orchestration.settings import database_dsn, nearest

_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


@dataclass(frozen=True)
class SourceTable:
    """A table or view and its columns, in their order there."""

    name: str
    schema: str | None
    columns: tuple[str, ...]

    @property
    def clause(self) -> sa.TableClause:
        """For building a SELECT; every name is quoted as it is."""
        columns: list[sa.ColumnClause[object]] = [sa.column(_quoted(name)) for name in self.columns]
        schema = None if self.schema is None else _quoted(self.schema)
        return sa.table(_quoted(self.name), *columns, schema=schema)


def _quoted(name: str) -> sa.quoted_name:
    return sa.quoted_name(name, quote=True)


@contextmanager
def connect(name: str) -> Iterator[sa.Connection]:
    """A read-only connection to database source `name` that sees one state throughout.

    Raises ConfigurationError for an address that cannot be used, SourceFailed when nothing answers there.
    """
    url = _url(name)
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
    except (ArgumentError, NoSuchModuleError, ImportError) as failure:
        raise ConfigurationError(
            f"Source '{name}': the driver of its address is not available ({_reason(failure)}); use "
            "postgresql+psycopg:// (pip install 'revops-warehouse[postgres]') or sqlite:///."
        ) from None
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            elif engine.dialect.name == "sqlite":
                # Python's driver begins no transaction for reads, so each SELECT would see another state.
                connection.exec_driver_sql("begin")
            yield connection
    except SQLAlchemyError as failure:
        raise SourceFailed(
            f"Source '{name}' cannot be read: {_reason(failure)}; check that the database is up, the address "
            f"in REVOPS_{name.upper()}_DSN and the rights of its user."
        ) from None
    finally:
        engine.dispose()


def _url(name: str) -> sa.URL:
    try:
        url = sa.make_url(database_dsn(name))
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            f"Source '{name}': its address is not a SQLAlchemy URL; write it like "
            "postgresql+psycopg://user:password@host/database."
        ) from None
    if url.drivername in _DRIVERS:
        url = url.set(drivername=_DRIVERS[url.drivername])
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        # SQLite would create the file and find it empty.
        raise ConfigurationError(
            f"Source '{name}': its database file {url.database} does not exist; correct it."
        )
    return url


def find_table(connection: sa.Connection, source: str, key: str, table: str) -> SourceTable:
    """The table `table` ("name" or "schema.name"); ConfigurationError, naming `key`, if there is none."""
    schema, _, name = table.rpartition(".")
    inspector = sa.inspect(connection)
    try:
        columns = inspector.get_columns(name, schema=schema or None)
    except NoSuchTableError:
        columns = []
    if not columns:
        there = _tables(inspector, schema or None)
        near = nearest(name, there)
        hint = f"perhaps '{near}' is meant" if near else f"the tables are {', '.join(there[:20]) or 'none'}"
        where = f"schema {schema} of source '{source}'" if schema else f"source '{source}'"
        raise ConfigurationError(f"{key} is '{table}', which {where} does not have; {hint}.")
    return SourceTable(name=name, schema=schema or None, columns=tuple(column["name"] for column in columns))


def _tables(inspector: sa.Inspector, schema: str | None) -> Sequence[str]:
    try:
        return sorted([*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)])
    except SQLAlchemyError:
        return []


def _reason(failure: Exception) -> str:
    # The driver's own words; SQLAlchemy's add the statement and a link.
    original = getattr(failure, "orig", None) or failure
    lines = str(original).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(original).__name__
