"""The published tables in a DuckLake: Parquet in a folder of many machines, its catalog in PostgreSQL.

A version is one transaction: readers, on any machine, see one version or the next. Writers that meet try
again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from orchestration.errors import ConfigurationError, RevopsError
from orchestration.settings import SCHEMAS, Warehouse, warehouse_dsn
from orchestration.warehouse import attached, identifier, literal, load_extension, open_memory, tables

# As many versions can be read with `at (version => …)`.
_KEPT = 5
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.5
_VERSIONS = "lake.operations.lake_versions"


def publish(warehouse: Warehouse, file: Path, run_id: str, as_of: date) -> None:
    """Make the tables of a finished file the lake's own, in one transaction; does nothing without a lake.

    Each version is a row of `operations.lake_versions`. Raises RevopsError where the lake cannot be written.
    """
    if warehouse.kind != "ducklake":
        return
    with opened(warehouse) as con, attached(con, file, "version", read_only=True):
        _try_again(lambda: _commit(con, run_id, as_of))
        _expire(con)


def forget_history(warehouse: Warehouse) -> None:
    """Leave no older version and no file of one in the lake: for the erasure of a person."""
    if warehouse.kind != "ducklake":
        return
    with opened(warehouse) as con:
        con.execute("call ducklake_expire_snapshots('lake', older_than => now())")
        con.execute("call ducklake_cleanup_old_files('lake', cleanup_all => true)")


@contextmanager
def opened(warehouse: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the lake attached as `lake`."""
    assert warehouse.folder is not None
    folder = warehouse.folder.absolute()
    try:
        with open_memory() as con:
            for extension in ("postgres_scanner", "ducklake"):
                load_extension(con, extension)
            address = f"ducklake:postgres:{warehouse_dsn(warehouse.kind)}"
            # Not ever longer pauses: a commit that cannot be settled soon is tried again as a whole.
            con.execute("set ducklake_retry_backoff = 1")
            con.execute(f"attach {literal(address)} as lake (data_path {literal(f'{folder}/')})")
            yield con
    except ImportError as failure:
        raise ConfigurationError(
            f"warehouse.kind is 'ducklake', which needs the Python package {failure.name}; install the extra"
            " 'ducklake' of this project."
        ) from failure
    except duckdb.Error as failure:
        raise RevopsError(f"The lake refuses: {str(failure).splitlines()[0]}") from failure


def _try_again(commit: Callable[[], None]) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            return commit()
        except duckdb.TransactionException:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_SECONDS)


def _commit(con: duckdb.DuckDBPyConnection, run_id: str, as_of: date) -> None:
    con.execute("begin")
    try:
        for schema in SCHEMAS:
            con.execute(f"create schema if not exists lake.{identifier(schema)}")
            found = tables(con, "version", schema)
            for name in found:
                place = f"{identifier(schema)}.{identifier(name)}"
                con.execute(f"create or replace table lake.{place} as from version.{place}")
            for gone in tables(con, "lake", schema).keys() - found.keys() - {"lake_versions"}:
                con.execute(f"drop table lake.{identifier(schema)}.{identifier(gone)}")
        con.execute(
            f"create table if not exists {_VERSIONS} (run_id varchar, as_of date, published_at timestamptz)"
        )
        con.execute(f"insert into {_VERSIONS} values (?, ?, now())", [run_id, as_of])
        con.execute("commit")
    except duckdb.Error:
        con.execute("rollback")
        raise


def _expire(con: duckdb.DuckDBPyConnection) -> None:
    """Forget versions beyond the last few; their files go a day later, when nobody can be reading them."""
    old = con.execute(
        f"select published_at from {_VERSIONS} order by published_at desc limit 1 offset {_KEPT}"
    ).fetchone()
    if old:
        con.execute("call ducklake_expire_snapshots('lake', older_than => cast(? as timestamptz))", old)
        con.execute("call ducklake_cleanup_old_files('lake', older_than => now() - interval '1 day')")
