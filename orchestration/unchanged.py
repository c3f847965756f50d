"""Whether a run would publish what is published already: a hash of everything a version comes from."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration.contract import PROJECT_ROOT
from orchestration.settings import Settings
from orchestration.warehouse import identifier, open_landing, tables

# Part of the program, not of a version: what Python and an editor leave behind.
_IGNORED = {"__pycache__"}
_CODE = ("orchestration", "models", "macros", "seeds", "tests/dbt", "dbt_project.yml", "profiles.yml")


def state(settings: Settings, home: Path, as_of: date, known_at: datetime | None) -> str:
    """A hash that is equal for two runs only if code, configuration, rules, days and raw data are.

    It may differ although the published tables would be equal; never the other way round.
    """
    digest = hashlib.sha256()
    for path in _files(settings):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    known = known_at.isoformat() if known_at else None
    told = [settings.model_dump(mode="json"), as_of.isoformat(), known, _raw(settings, home)]
    digest.update(json.dumps(told, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def _files(settings: Settings) -> Iterator[Path]:
    for name in _CODE:
        place = PROJECT_ROOT / name
        yield from _below(place) if place.is_dir() else [place]
    if settings.rules and (settings.root / settings.rules).is_dir():
        yield from _below(settings.root / settings.rules)


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _IGNORED.intersection(path.parts):
            yield path


def _raw(settings: Settings, home: Path) -> list[object]:
    """Per raw table its finished versions and the last load that added one; per read what it said of the
    source.
    """
    found: list[object] = []
    with open_landing(home, read_only=True) as con:
        for source in settings.sources:
            schema = f"raw_{source.name}"
            landed = tables(con, "landing", schema)
            for table in sorted(landed):
                if not table.startswith("_"):
                    found.append((schema, table, *_versions(con, schema, table)))
            if "_reads" in landed:
                found.append((schema, _reads(con, schema)))
    return found


def _versions(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> tuple[object, ...]:
    place = identifier(schema)
    rows = con.execute(
        f"select count(*), max(_dlt_load_id) from {place}.{identifier(table)}"
        f" where _dlt_load_id in (select load_id from {place}._dlt_loads where status = 0)"
    ).fetchall()
    return tuple(rows[0])


def _reads(con: duckdb.DuckDBPyConnection, schema: str) -> list[tuple[object, ...]]:
    place = identifier(schema)
    return con.execute(
        "select entity, location, fingerprint, rows_at_source, rows_rejected, rows_duplicate, money_at_source"
        f" from {place}._reads where _dlt_load_id in"
        f" (select load_id from {place}._dlt_loads where status = 0)"
        " qualify row_number() over (partition by entity order by read_at desc, _dlt_load_id desc) = 1"
        " order by entity"
    ).fetchall()
