"""Erase a person from a home folder: raw log, published versions, logs, histories; then look everywhere.

A crash on the way is made good by asking again: what was found out about the person is kept until the end.
"""

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.erasure import identifiers
from orchestration.erasure.databases import erase_from_landing, erase_from_version
from orchestration.erasure.identifiers import Person, RawTables
from orchestration.erasure.proof import (
    FileProof,
    count_bytes,
    files_to_prove,
    is_sqlite,
    pattern,
    prove,
    sqlite_columns,
    write_proof,
)
from orchestration.errors import RevopsError
from orchestration.publish import lake
from orchestration.publish.versions import current_version, remove_all_but_current, versions
from orchestration.run import Run
from orchestration.settings import FilesSource, crash_point
from orchestration.sources import raw_tables
from orchestration.sources.suppression import Suppression, address_of
from orchestration.warehouse import (
    attached,
    checkpoint_and_close,
    landing_file,
    memory_file,
    open_landing,
    open_memory,
)


@dataclass(frozen=True)
class Erasure:
    """What was done and where the proof lies. `at_sources` are files of sources that still hold the person,
    `names` places in which their name stands in free text.
    """

    rows: Counter[str]
    versions_removed: int
    files_cleaned: int
    files_scanned: int
    values_scanned: int
    proof: Path
    at_sources: tuple[str, ...]
    names: tuple[str, ...]


def forget(run: Run, text: str, build: Callable[[Run], None]) -> Erasure:
    """Erase the person with this address within an open run that extracts nothing; `build` builds, audits
    and publishes it.

    Raises ConfigurationError for a text that is no address, and RevopsError when something is left.
    """
    address = address_of(text)
    home = run.home
    suppression = Suppression(home)
    raw = raw_tables(run.settings)
    with run.step("erase"):
        person = _find(run, address, raw)
        suppression.add(sorted(person.addresses), sorted(person.records))
        identifiers.keep_pending(home, person)
        crash_point("after_suppression")
        rows: Counter[str] = Counter()
        if landing_file(home).exists():
            rows = erase_from_landing(landing_file(home), run.work, person, raw, suppression)
        crash_point("after_landing")
        # Identity compares everything again in the build that follows.
        memory_file(home).unlink(missing_ok=True)
        # What a vendor's first load that was interrupted has read so far is read again.
        shutil.rmtree(home / "checkpoints", ignore_errors=True)
        cleaned = _clean_files(home, _outside(run), person, suppression)
    published = current_version(home)
    if published is not None:
        clean = run.work / "previous" / "revops.duckdb"
        clean.parent.mkdir(parents=True, exist_ok=True)
        clean.unlink(missing_ok=True)
        erase_from_version(published.folder / "revops.duckdb", clean, person, suppression)
        run.previous = replace(published, folder=clean.parent)
        build(run)
        crash_point("after_rebuild")
    with run.step("prove"):
        removed = len(versions(home))
        remove_all_but_current(home)
        lake.forget_history(run.settings.warehouse)
        removed -= len(versions(home))
        for folder in (home / "work").glob("*"):
            shutil.rmtree(folder)
        person_files = _at_sources(run, person)
        identifiers.drop_pending(home)
        proofs = prove(home, _outside(run), person)
        _refuse_remains(home, person, proofs)
        document = {
            "software": run.git_commit,
            "addresses": len(person.addresses),
            "records": len(person.records),
            "rows_erased": dict(sorted(rows.items())),
            "versions_removed": removed,
            "files": [
                {"file": p.path, "bytes": p.bytes, "columns": p.columns, "values": p.values, "found": 0}
                for p in proofs
            ],
        }
        proof = write_proof(home, suppression, address, document)
    return Erasure(
        rows=rows,
        versions_removed=removed,
        files_cleaned=cleaned,
        files_scanned=len(proofs),
        values_scanned=sum(each.values for each in proofs),
        proof=proof,
        at_sources=person_files,
        names=tuple(f"{each.path}, {name}" for each in proofs for name in each.names),
    )


def _find(run: Run, address: str, raw: RawTables) -> Person:
    known = identifiers.pending(run.home)
    person = Person({address}, set(), set())
    if landing_file(run.home).exists():
        checkpoint_and_close(open_landing(run.home), landing_file(run.home))
        with open_memory() as con, attached(con, landing_file(run.home), "landing", read_only=True):
            person = identifiers.find(con, run.home, address, raw)
    return Person(
        person.addresses | known.addresses, person.records | known.records, person.names | known.names
    )


def _outside(run: Run) -> list[Path]:
    """Folders of sources, which may lie in the home folder and are read only."""
    folders = [
        (run.settings.root / source.path.expanduser()).resolve()
        for source in run.settings.sources
        if isinstance(source, FilesSource)
    ]
    # A source that is the home folder itself, or holds it, would hide all of it.
    return [folder for folder in folders if not run.home.resolve().is_relative_to(folder)]


def _clean_files(home: Path, outside: list[Path], person: Person, suppression: Suppression) -> int:
    """Replace the addresses in logs and histories; returns how many files had one."""
    cleaned = 0
    for path in files_to_prove(home, outside):
        inside = path.relative_to(home).parts[0]
        if inside in ("published", "work", "erasures") or path == landing_file(home):
            continue
        if not count_bytes(path, person.addresses, set()):
            continue
        if is_sqlite(path):
            _clean_sqlite(path, person, suppression)
        else:
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            draft = path.with_name(f".{path.name}.clean")
            draft.write_text(_cleaned(text, person, suppression), encoding="utf-8", errors="surrogateescape")
            draft.chmod(path.stat().st_mode)
            os.replace(draft, path)
        cleaned += 1
    return cleaned


def _clean_sqlite(path: Path, person: Person, suppression: Suppression) -> None:
    own = pattern(person.addresses)
    with closing(sqlite3.connect(path)) as con:
        con.create_function("cleaned", 1, lambda cell: _cleaned(cell, person, suppression))
        con.create_function("concerned", 1, lambda cell: isinstance(cell, str) and bool(own.search(cell)))
        for table, column in sqlite_columns(con):
            con.execute(f"update {table} set {column} = cleaned({column}) where concerned({column})")
        con.commit()
        # What was updated still lies in the free pages and in the log beside the file.
        con.execute("vacuum")
        con.execute("pragma wal_checkpoint(truncate)")


def _cleaned(text: str, person: Person, suppression: Suppression) -> str:
    return pattern(person.addresses).sub(
        lambda match: suppression.pseudonym(match[0].lower().replace("%40", "@")), text
    )


def _at_sources(run: Run, person: Person) -> tuple[str, ...]:
    """Files of sources that still hold the person: to be erased by whoever keeps them."""
    return tuple(
        str(path)
        for folder in _outside(run)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and count_bytes(path, person.addresses, set())
    )


def _refuse_remains(home: Path, person: Person, proofs: list[FileProof]) -> None:
    left = [f"{proof.path} ({hit})" for proof in proofs for hit in proof.hits]
    if left:
        # What leads to the person is kept, so that asking again finds it again.
        identifiers.keep_pending(home, person)
        raise RevopsError(
            f"The person is not erased yet: found in {'; '.join(left[:5])}; run `revops forget` again, and"
            " delete these files yourself if it says so again."
        )
