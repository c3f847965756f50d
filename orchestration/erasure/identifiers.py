"""By what one person is known: addresses, records and names, found in the raw log and by identity."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.publish.versions import current_version
from orchestration.sources.suppression import erasures_folder
from orchestration.sources.tables import RawTable
from orchestration.warehouse import attached, identifier, tables

_PENDING = "pending.json"

RawTables = Mapping[str, Mapping[str, RawTable]]


@dataclass
class Person:
    """Everything that leads to one person. `records` are (source, table, id), `names` as the sources write
    them.
    """

    addresses: set[str] = field(default_factory=set)
    records: set[tuple[str, str, str]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def ids(self, source: str, table: str) -> list[str]:
        """The ids of this person's records of one raw table."""
        return sorted(key for s, t, key in self.records if (s, t) == (source, table))


def pending(home: Path) -> Person:
    """What an erasure that was interrupted had found out; empty if none was."""
    path = erasures_folder(home) / _PENDING
    if not path.exists():
        return Person()
    found = json.loads(path.read_text(encoding="utf-8"))
    return Person(
        set(found["addresses"]), {(s, t, key) for s, t, key in found["records"]}, set(found["names"])
    )


def keep_pending(home: Path, person: Person) -> None:
    """Write down, for this machine's owner only, what is being erased: half-way it cannot be found again."""
    path = erasures_folder(home) / _PENDING
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        known = {
            "addresses": sorted(person.addresses),
            "records": sorted(person.records),
            "names": sorted(person.names),
        }
        json.dump(known, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)


def drop_pending(home: Path) -> None:
    """The erasure is complete."""
    (erasures_folder(home) / _PENDING).unlink(missing_ok=True)


def find(con: duckdb.DuckDBPyConnection, home: Path, address: str, raw: RawTables) -> Person:
    """The person with this address. `con` has landing.duckdb attached as `landing`.

    A record is theirs if the address is one of its cells in any version, or if identity says it is the same
    person as such a record. Other addresses of their records are theirs only where nobody else has them.
    """
    person = Person({address}, set(), set())
    for source, name, table in _person_tables(con, raw):
        person.records.update((source, name, key) for key in _having(con, source, table, [address]))
    person.records.update(_same_people(con, home, person, raw))
    for source, name, table in _person_tables(con, raw):
        keys = person.ids(source, name)
        if keys:
            person.addresses.update(_own_addresses(con, source, table, keys, raw, person))
            person.names.update(_names(con, source, table, keys))
    return person


def raw_relation(source: str, table: str) -> str:
    """A raw table of the attached landing.duckdb, quoted."""
    return f"landing.{identifier(f'raw_{source}')}.{identifier(table)}"


def landed_columns(con: duckdb.DuckDBPyConnection, source: str, table: str) -> list[str]:
    """The text columns that a raw table has by now; empty if there is no such table."""
    found = tables(con, "landing", f"raw_{source}").get(table, {})
    return [name for name, kind in found.items() if kind == "VARCHAR" and not name.startswith("_")]


def _person_tables(con: duckdb.DuckDBPyConnection, raw: RawTables) -> Iterator[tuple[str, str, RawTable]]:
    for source, known in raw.items():
        landed = tables(con, "landing", f"raw_{source}")
        yield from ((source, name, known[name]) for name in landed if name in known and known[name].is_person)


def _telling(con: duckdb.DuckDBPyConnection, source: str, table: RawTable) -> list[str]:
    """The columns in which an address says whose record it is."""
    telling = {table.key, *table.personal}
    return [name for name in landed_columns(con, source, table.name) if name in telling]


def _having(
    con: duckdb.DuckDBPyConnection, source: str, table: RawTable, addresses: Iterable[str]
) -> list[str]:
    wanted = list(addresses)
    conditions = " or ".join(
        f"list_contains(?, lower(trim({identifier(name)})))" for name in _telling(con, source, table)
    )
    if not conditions:
        return []
    rows = con.execute(
        f"select distinct {identifier(table.key)} from {raw_relation(source, table.name)}"
        f" where ({conditions}) and {identifier(table.key)} is not null order by 1",
        [wanted] * (conditions.count("?")),
    ).fetchall()
    return [key for (key,) in rows]


def _same_people(
    con: duckdb.DuckDBPyConnection, home: Path, person: Person, raw: RawTables
) -> set[tuple[str, str, str]]:
    version = current_version(home)
    if version is None or not person.records:
        return set()
    with attached(con, version.folder / "revops.duckdb", "published", read_only=True):
        if "person_members" not in tables(con, "published", "identity"):
            return set()
        members = con.execute(
            "select distinct other.source_system, other.source_id"
            " from published.identity.person_members as own"
            " inner join published.identity.person_members as other on own.person_id = other.person_id"
            " where list_contains(?, own.source_system || chr(31) || own.source_id)",
            [[f"{source}\x1f{key}" for source, _, key in sorted(person.records)]],
        ).fetchall()
    found = set()
    for source, key in members:
        for name, table in raw.get(source, {}).items():
            if table.is_person:
                found.add((source, name, key))
    return found


def _own_addresses(
    con: duckdb.DuckDBPyConnection,
    source: str,
    table: RawTable,
    keys: list[str],
    raw: RawTables,
    person: Person,
) -> set[str]:
    columns = _telling(con, source, table)
    rows = con.execute(
        f"select distinct {', '.join(f'lower(trim({identifier(name)}))' for name in columns)}"
        f" from {raw_relation(source, table.name)} where list_contains(?, {identifier(table.key)})",
        [keys],
    ).fetchall()
    named = {cell for row in rows for cell in row if cell and is_address(cell)} - person.addresses
    return {
        address
        for address in named
        if all(
            key in person.ids(other, name)
            for other, name, others in _person_tables(con, raw)
            for key in _having(con, other, others, [address])
        )
    }


def _names(con: duckdb.DuckDBPyConnection, source: str, table: RawTable, keys: list[str]) -> set[str]:
    columns = landed_columns(con, source, table.name)
    wanted = []
    if "full_name" in columns:
        wanted.append("full_name")
    if {"first_name", "last_name"} <= set(columns):
        wanted.append("first_name || ' ' || last_name")
    found: set[str] = set()
    for expression in wanted:
        rows = con.execute(
            f"select distinct trim({expression}) from {raw_relation(source, table.name)}"
            f" where list_contains(?, {identifier(table.key)})",
            [keys],
        ).fetchall()
        found.update(name for (name,) in rows if name and len(name) > 4 and " " in name)
    return found


def is_address(cell: str) -> bool:
    """Whether a cell is an e-mail address and nothing else."""
    local, _, domain = cell.partition("@")
    return bool(local) and "." in domain and not any(char.isspace() or char in "{}[]," for char in cell)
