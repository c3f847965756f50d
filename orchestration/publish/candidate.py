"""The candidate: what will be published, written beside the build and not yet seen by anyone."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import duckdb

from orchestration.publish.tables import PublishedTable, published_tables
from orchestration.settings import SCHEMAS, Audience
from orchestration.warehouse import attached, identifier, literal, open_memory

# Views remember the name of the database they were made in, so it is the final one from the start.
_DATABASE = "revops"


def write_candidate(
    build_file: Path,
    folder: Path,
    manifest: Mapping[str, Any],
    people: Literal["masked", "full"],
    schemas: Sequence[str] = SCHEMAS,
) -> list[PublishedTable]:
    """Write revops.duckdb and parquet/<schema>/<table>.parquet into `folder`, which must not exist yet.

    Both hold the same rows in the same order: that of the table's grain.
    """
    folder.mkdir(parents=True)
    with open_memory() as con, attached(con, build_file, "build", read_only=True):
        published = [each for each in published_tables(con, "build", manifest) if each.schema in schemas]
        with attached(con, folder / "revops.duckdb", _DATABASE):
            # One transaction: hundreds of comments would otherwise each wait for the disk.
            con.execute("begin")
            for schema in schemas:
                con.execute(f"create schema {_DATABASE}.{identifier(schema)}")
            for table in published:
                _copy(con, table, people)
                _describe(con, table)
            con.execute("commit")
            for table in published:
                _export(con, table, folder / "parquet" / table.schema / f"{table.name}.parquet")
    return published


def write_audiences(
    build_file: Path, folder: Path, manifest: Mapping[str, Any], audiences: Iterable[Audience]
) -> None:
    """Write what each audience may read into `folder`/audiences/<name>, closed to everybody but its group.

    The folder lies inside the candidate, so that one link moves all audiences at once.
    """
    for audience in audiences:
        own = folder / "audiences" / audience.name
        write_candidate(build_file, own, manifest, audience.people, audience.schemas)
        for path in (own, *own.rglob("*")):
            if audience.group is not None:
                shutil.chown(path, group=audience.group)
            path.chmod(0o750 if path.is_dir() else 0o640)


def _copy(con: duckdb.DuckDBPyConnection, table: PublishedTable, people: Literal["masked", "full"]) -> None:
    con.execute(
        f"create table {_DATABASE}.{table.sql_name} as"
        f" select {table.select_list(people)} from build.{table.sql_name} order by {table.order_by}"
    )


def _describe(con: duckdb.DuckDBPyConnection, table: PublishedTable) -> None:
    if table.description:
        con.execute(f"comment on table {_DATABASE}.{table.sql_name} is {literal(table.description)}")
    for column, description in (table.column_descriptions or {}).items():
        if description and column in table.columns:
            con.execute(
                f"comment on column {_DATABASE}.{table.sql_name}.{identifier(column)} is"
                f" {literal(description)}"
            )


def _export(con: duckdb.DuckDBPyConnection, table: PublishedTable, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(
        f"copy (select * from {_DATABASE}.{table.sql_name} order by {table.order_by})"
        f" to {literal(str(path))} (format parquet, compression zstd)"
    )
