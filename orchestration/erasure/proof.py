"""The proof of an erasure: every value of every table and every byte of every file of the home folder."""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.erasure.identifiers import Person
from orchestration.sources.suppression import Suppression, erasures_folder
from orchestration.warehouse import attached, identifier, literal, open_memory, tables

_CHUNK = 1 << 24
_LONGER = re.compile(r"[\w.+-]+(?:@|%40)[\w.-]*\w")


@dataclass
class FileProof:
    """What was looked at in one file and how often the person was found there, as values and as bytes."""

    path: str
    bytes: int
    columns: int = 0
    values: int = 0
    hits: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def files_to_prove(home: Path, outside: list[Path]) -> Iterator[Path]:
    """Every file of the home folder but those of the sources, which are not ours to change."""
    for path in sorted(home.rglob("*")):
        is_ours = path.is_file() and not path.is_symlink()
        if is_ours and not any(path.is_relative_to(folder) for folder in outside):
            yield path


def prove(home: Path, outside: list[Path], person: Person) -> list[FileProof]:
    """Look for the person's addresses everywhere, and for their names in values of tables."""
    found = []
    for path in files_to_prove(home, outside):
        proof = FileProof(path.relative_to(home).as_posix(), path.stat().st_size)
        others: set[str] = set()
        if path.suffix in (".duckdb", ".parquet"):
            others = _scan_values(path, person, proof)
        elif is_sqlite(path):
            _scan_sqlite(path, person, proof)
        else:
            others = _longer(path.read_text(encoding="utf-8", errors="replace").lower(), person.addresses)
        if count := count_bytes(path, person.addresses, others):
            proof.hits.append(f"{count} times among its bytes")
        found.append(proof)
    return found


def write_proof(home: Path, suppression: Suppression, address: str, document: dict[str, Any]) -> Path:
    """Write the proof, which names the person by keyed hash only."""
    digest = suppression.hash_of(address)
    now = datetime.now(UTC)
    path = erasures_folder(home) / f"{now:%Y%m%dT%H%M%SZ}-{digest[:12]}.json"
    document = {"person": digest, "erased_at": now.isoformat(timespec="seconds"), **document}
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def pattern(addresses: set[str]) -> re.Pattern[str]:
    """Matches the addresses where they stand on their own, and not the end of a longer one."""
    either = "|".join(re.escape(each).replace("@", "(?:@|%40)") for each in sorted(addresses))
    return re.compile(rf"(?<![\w.+-])(?:{either})(?![\w-]|\.\w)", re.IGNORECASE)


def is_sqlite(path: Path) -> bool:
    """Whether a file is an SQLite database."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def count_bytes(path: Path, addresses: set[str], others: set[str]) -> int:
    """How often the bytes of an address occur, in any case, other than within `others`, longer addresses."""
    wanted = [each.encode() for address in addresses for each in (address, address.replace("@", "%40"))]
    longer = [other.encode() for other in sorted(others, key=len, reverse=True)]
    overlap = max(len(each) for each in [*wanted, *longer]) - 1
    count, tail = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            window = (tail + chunk).lower()
            for other in longer:
                window = window.replace(other, b"")
            count += sum(window.count(each) for each in wanted)
            tail = chunk[-overlap:] if overlap else b""
    return count


def _scan_values(path: Path, person: Person, proof: FileProof) -> set[str]:
    """Look at every column of every table; returns longer addresses that merely contain one of these."""
    others: set[str] = set()
    own = pattern(person.addresses)
    with open_memory() as con:
        if path.suffix == ".parquet":
            con.execute("create view main.scanned as select * from read_parquet(" + literal(str(path)) + ")")
            relations = {"": {"scanned": tables(con, "memory", "main")["scanned"]}}
            _scan_relations(con, "memory.main", relations[""], path.stem, person, own, proof, others)
            return others
        with attached(con, path, "scanned", read_only=True):
            schemas = con.execute(
                "select schema_name from duckdb_schemas() where database_name = 'scanned' and not internal"
            ).fetchall()
            for (schema,) in schemas:
                known = tables(con, "scanned", schema)
                prefix = f"scanned.{identifier(schema)}"
                _scan_relations(con, prefix, known, schema, person, own, proof, others)
    return others


def _scan_relations(
    con: Any,
    prefix: str,
    known: dict[str, dict[str, str]],
    shown: str,
    person: Person,
    own: re.Pattern[str],
    proof: FileProof,
    others: set[str],
) -> None:
    names = [name.lower() for name in sorted(person.names)]
    for table, columns in known.items():
        relation = f"{prefix}.{identifier(table)}"
        texts = [f"lower(cast({identifier(column)} as varchar))" for column in columns]
        ((rows,),) = con.execute(f"select count(*) from {relation}").fetchall()
        proof.columns += len(columns)
        proof.values += rows * len(columns)
        found = con.execute(
            f"select {', '.join(texts)} from {relation} where {mentions(texts, [*person.addresses, *names])}"
        ).fetchall()
        for column, cells in zip(columns, zip(*found, strict=True), strict=bool(found)):
            present = [cell for cell in cells if cell is not None]
            if hits := sum(bool(own.search(cell)) for cell in present):
                proof.hits.append(f"{shown}.{table}.{column}: {hits} values")
            if named := sum(any(name in cell for name in names) for cell in present):
                proof.names.append(f"{shown}.{table}.{column}: {named} values")
            for cell in present:
                others.update(_longer(cell, person.addresses))


def mentions(texts: Sequence[str], phrases: Iterable[str]) -> str:
    """SQL condition that one of these texts, given as SQL in lower case, holds one of the phrases."""
    row = f"concat_ws(chr(31), {', '.join(texts)})"
    spelled = {each for phrase in phrases for each in (phrase, phrase.replace("@", "%40"))}
    # Literals, since a parameter makes DuckDB's client look for pandas and the like each time.
    return " or ".join(f"contains({row}, {literal(each)})" for each in sorted(spelled))


def _longer(text: str, addresses: set[str]) -> set[str]:
    """Addresses in a text that end with, or go on after, one of these and belong to somebody else."""
    own = pattern(addresses)
    return {
        token
        for token in set(_LONGER.findall(text))
        for address in addresses
        if address in token.replace("%40", "@") and not own.search(token)
    }


def _scan_sqlite(path: Path, person: Person, proof: FileProof) -> None:
    own = pattern(person.addresses)
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as con:
        for table, column in sqlite_columns(con):
            found = con.execute(f"select cast({column} as text) from {table} where {column} is not null")
            cells = [str(cell) for (cell,) in found]
            proof.columns += 1
            proof.values += len(cells)
            hits = sum(bool(own.search(cell)) for cell in cells)
            if hits:
                proof.hits.append(f"{table}.{column}: {hits} values")


def sqlite_columns(con: sqlite3.Connection) -> list[tuple[str, str]]:
    """Table and column of every column of an SQLite database, both quoted."""
    names = [
        name
        for (name,) in con.execute(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        )
    ]
    return [
        (identifier(name), identifier(column[1]))
        for name in names
        for column in con.execute(f"pragma table_info({identifier(name)})")
    ]
