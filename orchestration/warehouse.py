"""Every DuckDB file is opened here: landing, private builds, candidates and the published version."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import duckdb

from orchestration.errors import ConfigurationError, LockHeld, RevopsError

# Files of this storage version open in every DuckDB client from 1.2 on; later versions do not.
STORAGE_VERSION = "v1.2.0"

_LOCK_ATTEMPTS = 3
_LOCK_PAUSE_SECONDS = 0.5


def landing_file(home: Path) -> Path:
    """Raw data of all sources: the append-only record versions."""
    return home / "landing.duckdb"


def memory_file(home: Path) -> Path:
    """What identity compared before. It can be deleted: the next run compares everything again."""
    return home / "identity.duckdb"


def published_file(home: Path) -> Path:
    """The link that always leads to the current published version."""
    return home / "published" / "revops.duckdb"


def open_landing(home: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open landing.duckdb, creating it unless `read_only`.

    Raises LockHeld with the holder's process id when another process writes to it.
    """
    path = landing_file(home)
    if read_only and not path.exists():
        raise ConfigurationError(f"Nothing has been extracted into {home} yet; run `revops run` first.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return _connect(path, read_only=read_only, storage_compatibility_version=STORAGE_VERSION)


def open_build(path: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a private file of a run, creating it unless `read_only`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _connect(path, read_only=read_only, storage_compatibility_version=STORAGE_VERSION)


def open_memory() -> duckdb.DuckDBPyConnection:
    """A connection without a file, to attach private files to."""
    return duckdb.connect(":memory:")


def open_foreign(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a file of somebody else for reading only; it must be there."""
    con = duckdb.connect(str(path), read_only=True, config={"enable_external_access": "false"})
    con.execute("set TimeZone = 'UTC'")
    return con


@contextmanager
def attached(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool = False
) -> Iterator[None]:
    """Attach a file under `name`; what is new in it has reached the file itself when the block ends."""
    options = "read_only" if read_only else f"storage_version '{STORAGE_VERSION}'"
    con.execute(f"attach {literal(str(path))} as {identifier(name)} ({options})")
    try:
        yield
        if not read_only:
            con.execute(f"checkpoint {identifier(name)}")
    finally:
        # After a fatal error, such as a full disk, nothing can be detached any more; that error is the news.
        with suppress(duckdb.Error):
            con.execute(f"detach {identifier(name)}")
    if not read_only:
        refuse_leftover_log(path)


def open_published(home: Path, memory_limit: str = "1GB", threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Open the current published version read-only and locked down.

    SQL on this connection reaches no other file, no network and no setting. The version opened stays the same
    until the connection closes, whatever is published meanwhile.
    """
    link = published_file(home)
    path = Path(os.path.realpath(link))
    if not path.exists():
        raise ConfigurationError(f"Nothing is published in {home} yet; run `revops run` first.")
    return open_reader(path, memory_limit, threads)


def open_reader(path: Path, memory_limit: str = "1GB", threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Open one finished file read-only, with the same lock-down as `open_published`."""
    refuse_leftover_log(path)
    try:
        con = duckdb.connect(
            str(path),
            read_only=True,
            config={
                "enable_external_access": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "allow_community_extensions": "false",
                "memory_limit": memory_limit,
                "threads": str(threads),
                "temp_directory": "",
            },
        )
        con.execute("set TimeZone = 'UTC'")
        con.execute("set lock_configuration = true")
    except duckdb.Error as failure:
        raise RevopsError(
            f"{path} cannot be opened ({_first_line(failure)}); `revops rollback` goes back to the version"
            " before."
        ) from failure
    return con


def refuse_leftover_log(path: Path) -> None:
    """Raise if a write-ahead log lies beside `path`: DuckDB would replay it, whoever put it there."""
    log = Path(f"{path}.wal")
    if log.exists():
        raise RevopsError(f"{log} lies beside a finished file; move it away, it does not belong there.")


def checkpoint_and_close(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write everything into the file itself and prove that no write-ahead log is left."""
    con.execute("checkpoint")
    con.close()
    refuse_leftover_log(path)


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string, for the few statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def tables(con: duckdb.DuckDBPyConnection, database: str, schema: str) -> dict[str, dict[str, str]]:
    """Columns and their types of every table and view of a schema, in table and column order."""
    rows = con.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = ? and schema_name = ? order by table_name, column_index",
        [database, schema],
    ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, data_type in rows:
        found.setdefault(table, {})[column] = data_type
    return found


def raw_tables(con: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    """Schema → what models read of the raw data of a source: its records and the list of finished loads."""
    rows = con.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = ? and starts_with(schema_name, 'raw_')"
        " and (not starts_with(table_name, '_') or table_name = '_dlt_loads') order by all",
        [database],
    ).fetchall()
    found: dict[str, list[str]] = {}
    for schema, table in rows:
        found.setdefault(schema, []).append(table)
    return found


def load_extension(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension of DuckDB from its Python package; nothing is downloaded while it runs."""
    package = import_module(f"duckdb_extension_{name}")
    (folder,) = package.__path__
    file = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    con.execute(f"load {literal(str(file))}")


def _connect(path: Path, *, read_only: bool, **config: str) -> duckdb.DuckDBPyConnection:
    attempts_left = _LOCK_ATTEMPTS
    while True:
        attempts_left -= 1
        try:
            return duckdb.connect(str(path), read_only=read_only, config={} if read_only else dict(config))
        except duckdb.IOException as failure:
            if "conflicting lock" not in str(failure).lower():
                raise RevopsError(f"{path} cannot be opened: {_first_line(failure)}.") from failure
            if not attempts_left:
                holder = re.search(r"PID (\d+)", str(failure))
                who = f"process {holder[1]}" if holder else "another process"
                raise LockHeld(f"{path} is open in {who}; close it there and try again.") from failure
        time.sleep(_LOCK_PAUSE_SECONDS)


def _first_line(failure: Exception) -> str:
    return str(failure).strip().splitlines()[0].rstrip(".")
