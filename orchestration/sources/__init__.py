"""Extraction: every source lands as append-only record versions in landing.duckdb."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.contract import entry_contract, raw_contract
from orchestration.errors import SourceFailed
from orchestration.settings import FilesSource, Settings, Source
from orchestration.sources.entities import raw_table, vendor_table
from orchestration.sources.landing import EntityResult, Landing
from orchestration.sources.tables import RawTable
from orchestration.vendor_settings import VendorSource

__all__ = ["EntityResult", "SourceResult", "check", "extract", "raw_tables"]


@dataclass(frozen=True)
class SourceResult:
    """What one extraction of one source did, entity by entity."""

    source: str
    entities: list[EntityResult]


def raw_tables(settings: Settings) -> dict[str, dict[str, RawTable]]:
    """The raw tables each configured source may have, by name."""
    entities = {name: raw_table(entity) for name, entity in entry_contract().items()}
    found = {}
    for source in settings.sources:
        own = raw_contract(source.kind) if isinstance(source, VendorSource) else {}
        found[source.name] = entities | {name: vendor_table(entity) for name, entity in own.items()}
    return found


def check(source: Source, settings: Settings) -> list[tuple[str, str]]:
    """Reach the source and compare its columns with its mapping, loading nothing.

    Returns (entity, file or table) pairs; raises ConfigurationError or SourceFailed with what is wrong.
    """
    if isinstance(source, FilesSource):
        from orchestration.sources.files import check_files

        return check_files(source, settings)
    if isinstance(source, VendorSource) and source.landed:
        from orchestration.sources.landed import check_landed

        return check_landed(source, settings)
    if isinstance(source, VendorSource):
        from orchestration.sources.api.sync import check_vendor

        return check_vendor(source, settings)
    from orchestration.sources.database import check_database

    return check_database(source, settings)


def extract(
    source: Source,
    settings: Settings,
    home: Path,
    work_dir: Path,
    run_id: str,
    extracted_at: datetime,
    *,
    full_refresh: bool = False,
    allow_shrink: bool = False,
    progress: Callable[[str, int], None] = lambda entity, rows: None,
) -> SourceResult:
    """Read one source and append what is new to {home}/landing.duckdb, all of it or nothing.

    `extracted_at` is the one time of the run (naive means UTC). `progress` is called with an entity and the
    rows read of it so far. Raises ConfigurationError where file, table or mapping do not fit, SourceFailed
    where the source cannot be read or suddenly lacks many records; both leave landing.duckdb as it was.
    """
    try:
        with Landing(
            source.name,
            home=home,
            work_dir=work_dir,
            run_id=run_id,
            extracted_at=extracted_at,
            strict=settings.strict,
            allow_shrink=allow_shrink,
            progress=progress,
        ) as landing:
            _stage(landing, source, settings, home, full_refresh)
            result = SourceResult(source=source.name, entities=landing.load())
        if isinstance(source, VendorSource):
            from orchestration.sources.api.sync import forget_checkpoint

            forget_checkpoint(home, source.name)
        return result
    except OSError as failure:
        raise SourceFailed(f"Source '{source.name}' cannot be read: {failure}.") from failure
    except duckdb.Error as failure:
        reason = str(failure).strip().splitlines()[0].rstrip(".")
        raise SourceFailed(
            f"Source '{source.name}' was not loaded: {reason}; check the free space at {home} and run again."
        ) from failure


def _stage(landing: Landing, source: Source, settings: Settings, home: Path, full_refresh: bool) -> None:
    # Imported when used: a run over files needs no SQLAlchemy, one over a database no Excel reader.
    if isinstance(source, FilesSource):
        from orchestration.sources.files import extract_files

        extract_files(landing, source, settings, full_refresh=full_refresh)
    elif isinstance(source, VendorSource) and source.landed:
        from orchestration.sources.landed import extract_landed

        extract_landed(landing, source, settings, full_refresh=full_refresh)
    elif isinstance(source, VendorSource):
        from orchestration.sources.api.sync import extract_vendor

        extract_vendor(landing, source, settings, home, full_refresh=full_refresh)
    else:
        from orchestration.sources.database import extract_database

        extract_database(landing, source, settings, full_refresh=full_refresh)
