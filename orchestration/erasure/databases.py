"""Taking a person out of DuckDB files. What is deleted stays in their blocks, so each is written anew."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from orchestration.erasure.identifiers import Person, RawTables, landed_columns, raw_relation
from orchestration.erasure.proof import mentions
from orchestration.sources.suppression import Suppression
from orchestration.sources.tables import RawTable
from orchestration.warehouse import attached, identifier, open_memory, tables


def erase_from_landing(
    path: Path, work: Path, person: Person, raw: RawTables, suppression: Suppression
) -> Counter[str]:
    """Take the person out of every version of every record of the raw log; returns rows touched by table."""
    touched: Counter[str] = Counter()

    def change(con: duckdb.DuckDBPyConnection) -> None:
        for source, known in raw.items():
            landed = tables(con, "landing", f"raw_{source}")
            for name in landed:
                if name in known:
                    touched[f"raw_{source}.{name}"] += _erase_records(con, source, known[name], person)
        touched.update(replace_addresses(con, "landing", person, suppression))

    _rewritten(path, work, "landing", change)
    return +touched


def erase_from_version(path: Path, copy: Path, person: Person, suppression: Suppression) -> None:
    """A copy of a published file, without the person, for the next build to compare itself with."""

    def change(con: duckdb.DuckDBPyConnection) -> None:
        own = [f"{source}\x1f{key}" for source, _, key in sorted(person.records)]
        for table, columns in tables(con, "previous", "identity").items():
            for suffix in ("", "_a", "_b"):
                pair = [f"source_system{suffix}", f"source_id{suffix}"]
                if set(pair) <= set(columns):
                    con.execute(
                        f"delete from previous.identity.{identifier(table)}"
                        f" where list_contains(?, {pair[0]} || chr(31) || {pair[1]})",
                        [own],
                    )
        replace_addresses(con, "previous", person, suppression)

    draft = copy.with_suffix(".draft")
    with open_memory() as con:
        with attached(con, path, "published", read_only=True), attached(con, draft, "previous"):
            con.execute("copy from database published to previous")
            change(con)
        with attached(con, draft, "previous", read_only=True), attached(con, copy, "clean"):
            con.execute("copy from database previous to clean")
    draft.unlink()


def replace_addresses(
    con: duckdb.DuckDBPyConnection, database: str, person: Person, suppression: Suppression
) -> Counter[str]:
    """Replace the person's addresses wherever a text of any table holds one; returns rows changed by table.

    A value of another type that holds one, such as a list, becomes null.
    """
    changed: Counter[str] = Counter()
    schemas = con.execute(
        "select schema_name from duckdb_schemas() where database_name = ? and not internal order by 1",
        [database],
    ).fetchall()
    views = con.execute(
        "select schema_name, view_name from duckdb_views() where database_name = ?", [database]
    ).fetchall()
    for (schema,) in schemas:
        for table, columns in tables(con, database, schema).items():
            if (schema, table) in views:
                continue
            relation = f"{identifier(database)}.{identifier(schema)}.{identifier(table)}"
            concerned = {
                column: kind
                for column, kind in columns.items()
                if kind in _TEXTS or kind.endswith("]") or kind.startswith(("STRUCT", "MAP"))
            }
            rows = _replace_in_table(con, relation, concerned, person, suppression) if concerned else []
            if rows:
                changed[f"{schema}.{table}"] += len(rows)
                if "_content_hash" in columns:
                    _renew_hashes(con, relation, rows)
    return changed


_TEXTS = frozenset({"VARCHAR", "JSON"})


def _replace_in_table(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Mapping[str, str],
    person: Person,
    suppression: Suppression,
) -> list[int]:
    texts = [f"cast({identifier(column)} as varchar)" for column in columns]
    found = con.execute(
        f"select rowid, {', '.join(texts)} from {relation}"
        f" where {mentions([f'lower({text})' for text in texts], person.addresses)}"
    ).fetchall()
    changed = set()
    for rowid, *cells in found:
        for (column, kind), cell in zip(columns.items(), cells, strict=True):
            new = None if cell is None else suppression.without_addresses(cell)
            if new != cell:
                con.execute(
                    f"update {relation} set {identifier(column)} = ? where rowid = ?",
                    [new if kind in _TEXTS else None, rowid],
                )
                changed.add(rowid)
    return sorted(changed)


def _erase_records(con: duckdb.DuckDBPyConnection, source: str, table: RawTable, person: Person) -> int:
    """Delete or empty the rows about the person; returns how many."""
    columns = landed_columns(con, source, table.name)
    relation = raw_relation(source, table.name)
    key = identifier(table.key)
    conditions, values = [], []
    if table.is_person:
        conditions.append(f"list_contains(?, {key})")
        values.append(person.ids(source, table.name))
    links = {
        name: sorted(key for each in people for key in person.ids(source, each))
        for name, people in table.person_links.items()
        if name in columns
    }
    for name, keys in links.items():
        conditions.append(f"list_contains(?, {identifier(name)})")
        values.append(keys)
    for name in columns:
        if name in {table.key, *links, *table.personal}:
            conditions.append(f"list_contains(?, lower(trim({identifier(name)})))")
            values.append(sorted(person.addresses))
    found = con.execute(f"select rowid from {relation} where {' or '.join(conditions)}", values).fetchall()
    rows = sorted(rowid for (rowid,) in found)
    if not rows:
        return 0
    if table.is_person or table.needs_person:
        con.execute(f"delete from {relation} where list_contains(?, rowid)", [rows])
        return len(rows)
    emptied = [name for name in columns if name in table.personal]
    changes = [f"{identifier(name)} = null" for name in emptied]
    arguments: list[object] = []
    for name, keys in links.items():
        link = identifier(name)
        changes.append(f"{link} = case when list_contains(?, {link}) then null else {link} end")
        arguments.append(keys)
    if changes:
        con.execute(
            f"update {relation} set {', '.join(changes)} where list_contains(?, rowid)", [*arguments, rows]
        )
        _renew_hashes(con, relation, rows)
    return len(rows)


def _renew_hashes(con: duckdb.DuckDBPyConnection, relation: str, rows: list[int]) -> None:
    """The hash of a version was made from what it said: with the rest known, the person could be guessed."""
    con.execute(
        f"update {relation} set _content_hash = sha256(concat('erased ', _dlt_load_id, _dlt_id))"
        " where list_contains(?, rowid)",
        [rows],
    )


def _rewritten(
    path: Path, work: Path, name: str, change: Callable[[duckdb.DuckDBPyConnection], None]
) -> None:
    """Change a file and replace it by a copy that holds nothing but what is left in it."""
    clean = work / f"{name}.clean.duckdb"
    clean.unlink(missing_ok=True)
    with open_memory() as con:
        with attached(con, path, name):
            con.execute("begin")
            change(con)
            con.execute("commit")
        with attached(con, path, name, read_only=True), attached(con, clean, "clean"):
            con.execute(f"copy from database {name} to clean")
    descriptor = os.open(clean, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    os.replace(clean, path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
