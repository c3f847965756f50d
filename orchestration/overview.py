"""What there is: sources and their last reads, published versions, last runs."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from orchestration import runlog
from orchestration.errors import RevopsError
from orchestration.exports import Format, print_rows
from orchestration.publish.lock import holder
from orchestration.publish.versions import current_version, versions
from orchestration.settings import FilesSource, Settings, Source
from orchestration.warehouse import identifier, landing_file, open_landing, open_published, tables

if TYPE_CHECKING:
    from orchestration.erasure.forget import Erasure

Rows = tuple[Sequence[str], list[tuple[Any, ...]]]

_LAST_RUNS = 5


def source_rows(settings: Settings, home: Path) -> Rows:
    """One row per configured source and entity, with what its last finished read found."""
    reads = _last_reads(settings, home)
    rows: list[tuple[Any, ...]] = []
    for source in settings.sources:
        seen = {entity: rest for (name, entity), rest in reads.items() if name == source.name}
        for entity in sorted({*(source.entities or ()), *seen}) or ["(none found yet)"]:
            read_at, at_source, rejected, location = seen.get(entity, (None, None, None, None))
            rows.append(
                (source.name, source.kind, entity, location or _where(source), read_at, at_source, rejected)
            )
    return ("source", "kind", "entity", "where", "last read (UTC)", "rows", "not loaded"), rows


def version_rows(home: Path) -> Rows:
    """One row per published version, newest first."""
    rows = [
        (
            "*" if version.is_current else "",
            version.name,
            version.manifest["as_of"],
            version.manifest["published_at"][:19],
            version.manifest["run_id"],
            sum(table["rows"] for table in version.manifest["tables"].values()),
            version.manifest["content_hash"][:12],
        )
        for version in versions(home)
    ]
    return ("current", "version", "as of", "published (UTC)", "run", "rows", "content"), rows


def print_status(home: Path, file: TextIO) -> None:
    """Print what is published, whether a run is under way, the last runs and how fresh each source is."""
    version = current_version(home)
    if version is None:
        print(f"Nothing is published in {home} yet; `revops run` does it.", file=file)
    else:
        age = datetime.now(UTC) - datetime.fromisoformat(version.manifest["published_at"])
        hours = age.total_seconds() / 3600
        print(
            f"Published: {version.name}, as of {version.manifest['as_of']}, {hours:,.1f} hours ago"
            f" ({home / 'published' / 'revops.duckdb'})",
            file=file,
        )
    running = holder(home)
    if running is not None:
        print(f"A run is under way (process {running}).", file=file)
    last = runlog.read(home)[: -_LAST_RUNS - 1 : -1]
    if last:
        print(file=file)
        columns = ("started (UTC)", "status", "as of", "seconds", "rows read", "new", "message")
        rows = [
            (
                r.started_at[:19],
                r.status,
                r.as_of,
                round(r.seconds, 1),
                r.rows_read,
                r.rows_appended,
                r.message,
            )
            for r in last
        ]
        print_rows(columns, rows, Format.TABLE, file)
    if version is not None:
        with open_published(home) as con:
            ((database,),) = con.execute("select current_database()").fetchall()
            if "source_freshness" in tables(con, database, "operations"):
                cursor = con.execute("select * from operations.source_freshness order by all")
                print(file=file)
                names = [column[0] for column in cursor.description or []]
                print_rows(names, cursor.fetchall(), Format.TABLE, file)


def print_erasure(erasure: "Erasure", file: TextIO) -> None:
    """Print what an erasure did, and what is left to do elsewhere."""
    if erasure.rows:
        for table, rows in sorted(erasure.rows.items()):
            print(f"{table}: {rows:,} rows deleted or emptied", file=file)
    else:
        print("No raw record held the address.", file=file)
    print(
        f"{erasure.versions_removed} older versions removed, {erasure.files_cleaned} logs and histories"
        f" cleaned; {erasure.values_scanned:,} values and every byte of {erasure.files_scanned} files hold"
        f" the person no more.\nProof: {erasure.proof}",
        file=file,
    )
    for place in erasure.names:
        print(f"The name stands there still, look whether the person is meant: {place}", file=file)
    for path in erasure.at_sources:
        print(f"The source has the person still; erase it there, too: {path}", file=file)


def _last_reads(settings: Settings, home: Path) -> dict[tuple[str, str], tuple[Any, ...]]:
    if not landing_file(home).exists():
        return {}
    found: dict[tuple[str, str], tuple[Any, ...]] = {}
    # While a run writes, the list is shown without what was read.
    with suppress(RevopsError), open_landing(home, read_only=True) as con:
        for source in settings.sources:
            schema = identifier(f"raw_{source.name}")
            if "_reads" not in tables(con, "landing", f"raw_{source.name}"):
                continue
            rows = con.execute(
                "select entity, read_at, rows_at_source, rows_rejected, location"
                f" from {schema}._reads where _dlt_load_id in"
                f" (select load_id from {schema}._dlt_loads where status = 0)"
                " qualify row_number() over (partition by entity order by read_at desc, run_id desc) = 1"
            ).fetchall()
            for entity, *rest in rows:
                found[source.name, entity] = tuple(rest)
    return found


def _where(source: Source) -> str:
    return str(source.path) if isinstance(source, FilesSource) else ""
