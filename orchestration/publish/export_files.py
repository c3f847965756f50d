"""Published tables as CSV and Parquet files."""

import csv
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.errors import ConfigurationError
from orchestration.exports import cell_text, spreadsheet_safe
from orchestration.settings import SCHEMAS, nearest
from orchestration.warehouse import identifier, tables

_ROWS_AT_ONCE = 10_000


def columns_of(published: duckdb.DuckDBPyConnection, names: Sequence[str] = ()) -> dict[str, dict[str, str]]:
    """Columns and types of the tables `names` (schema.table), of all published ones if there are no names.

    Raises ConfigurationError for a table that is not published.
    """
    ((database,),) = published.execute("select current_database()").fetchall()
    known = {
        f"{schema}.{name}": columns
        for schema in SCHEMAS
        for name, columns in tables(published, database, schema).items()
    }
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}? " if near else ""
            raise ConfigurationError(
                f'{name} is not published; {hint}`revops sql "show all tables"` lists what is.'
            )
    return {name: known[name] for name in names or known}


def sql_name(name: str) -> str:
    """schema.table with both names quoted."""
    return ".".join(map(identifier, name.split(".", 1)))


@contextmanager
def in_place_of(path: Path) -> Iterator[Path]:
    """A file to write to that takes the place of `path` when it is finished: nobody reads half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_csv(
    published: duckdb.DuckDBPyConnection, folder: Path, names: Sequence[str] = ()
) -> dict[str, int]:
    """Write `folder`/schema/table.csv for every table and return their row counts. No cell is a formula."""
    return {
        name: _write_csv(published, folder.joinpath(*name.split(".", 1)), name, columns)
        for name, columns in columns_of(published, names).items()
    }


def copy_parquet(
    published: duckdb.DuckDBPyConnection, parquet: Path, folder: Path, names: Sequence[str] = ()
) -> dict[str, int]:
    """Copy the published Parquet files to `folder`/schema/table.parquet and return their row counts."""
    counts = {}
    for name in columns_of(published, names):
        schema, table = name.split(".", 1)
        with in_place_of(folder / schema / f"{table}.parquet") as part:
            shutil.copyfile(parquet / schema / f"{table}.parquet", part)
        ((counts[name],),) = published.execute(f"select count(*) from {sql_name(name)}").fetchall()
    return counts


def _write_csv(published: duckdb.DuckDBPyConnection, path: Path, name: str, columns: dict[str, str]) -> int:
    written = 0
    cursor = published.cursor()
    cursor.execute(f"select {', '.join(map(identifier, columns))} from {sql_name(name)}")
    with (
        in_place_of(path.with_name(f"{path.name}.csv")) as part,
        part.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([spreadsheet_safe(column) for column in columns])
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            writer.writerows([spreadsheet_safe(cell_text(value)) for value in row] for row in rows)
            written += len(rows)
    return written
