"""A vendor's stand-in on a clock of its own, and a warehouse that reads it run after run."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration import transform
from orchestration.settings import Settings, load_settings
from orchestration.sources import EntityResult, check, extract, landing
from orchestration.sources.api import client
from orchestration.sources.loading import PreparedTable
from sandbox.vendors import stand_in
from sandbox.vendors.server import StandIn
from sandbox.vendors.store import Store

START = datetime(2026, 11, 1, 6, 0)


class Vendor:
    """One stand-in, one configured source called `crm`, and a home folder. Time passes only when told to."""

    name = "crm"

    def __init__(
        self, kind: str, root: Path, monkeypatch: pytest.MonkeyPatch, *, quick: bool = False
    ) -> None:
        """`quick` loads without dlt, whose part is the same for every source and tested with files."""
        self.kind = kind
        self.root = root
        self.home = root / "home"
        self.now = START
        self.waits: list[float] = []
        self.runs = 0
        self.api: Any = stand_in(kind, Store())
        self.api.clock = lambda: self.now
        self.api.start()
        for name, value in self.api.credentials.items():
            monkeypatch.setenv(f"REVOPS_{self.name}_{name}".upper(), value)
        monkeypatch.setattr(client, "sleep", self._sleep)
        if quick:
            monkeypatch.setattr(landing, "append", append_quickly)
        self.configure()

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)

    def close(self) -> None:
        self.api.stop()

    def configure(self, **keys: Any) -> Settings:
        """Write revops.yml; `keys` are keys of the source, None leaves one out."""
        source = {
            "name": self.name,
            "kind": self.kind,
            "base_url": self.api.base_url,
            **self.api.settings,
            **keys,
        }
        config = self.root / "revops.yml"
        config.write_text(yaml.safe_dump({"sources": [source]}, sort_keys=False))
        self.settings = load_settings(config)
        return self.settings

    def pass_time(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def check(self) -> list[tuple[str, str]]:
        return check(self.settings.source(self.name), self.settings)

    def sync(self, **options: Any) -> dict[str, EntityResult]:
        """One run's extraction, an hour after the last; the results by table."""
        self.runs += 1
        self.pass_time(hours=1)
        result = extract(
            self.settings.source(self.name),
            self.settings,
            self.home,
            self.home / "work" / f"run{self.runs}",
            f"run{self.runs}",
            self.now,
            **options,
        )
        return {entity.entity: entity for entity in result.entities}

    def query(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with closing(duckdb.connect()) as con:
            con.execute(f"attach '{self.home / 'landing.duckdb'}' as landing (read_only)")
            cursor = con.execute(sql, list(values))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def versions(self, table: str, key: str) -> list[dict[str, Any]]:
        """Every version of one record, oldest first."""
        return self.query(
            f"select * from landing.raw_{self.name}.{table} where id = ? order by _dlt_load_id, _row", key
        )

    def entry(self, entity: str) -> dict[str, dict[str, Any]]:
        """What the vendor's model makes of the landed tables, by id; deleted records are left out."""
        rows = self.query(f"select * from ({entry_sql(self.kind, self.name, entity)}) where not is_deleted")
        found = {row["source_id"]: row for row in rows}
        assert len(found) == len(rows), f"{entity} has an id twice"
        return found

    def paths(self) -> list[str]:
        """The paths asked for, in order, and from now on only later ones."""
        asked = [request.path for request in self.api.requests]
        self.api.requests.clear()
        return asked

    def custom(self, entity: str, key: str) -> dict[str, Any]:
        return json.loads(self.entry(entity)[key]["custom"] or "{}")

    def problems(self) -> list[tuple[str, str, str]]:
        rows = self.query(
            f"select entity, column_name, problem from landing.raw_{self.name}._problems order by all"
        )
        return [tuple(row.values()) for row in rows]


def append_quickly(
    source: str, path: Path, folder: Path, prepared: Sequence[PreparedTable]
) -> dict[str, int]:
    """The load without dlt: the same tables, one transaction, marked finished at its end."""
    folder.mkdir(parents=True)
    schema, load_id = f"raw_{source}", f"{time.time():.6f}"
    appended = {}
    with closing(duckdb.connect(str(path))) as con:
        con.execute(f"begin; create schema if not exists {schema}")
        con.execute(f"create table if not exists {schema}._dlt_loads (load_id varchar, status bigint)")
        for table in prepared:
            file = folder / f"{table.name}.parquet"
            appended[table.name] = table.export(load_id, file)
            con.execute(f"create table if not exists {schema}.{table.name} as from '{file}' limit 0")
            con.execute(f"insert into {schema}.{table.name} by name from '{file}'")
        con.execute(f"insert into {schema}._dlt_loads values (?, 0)", [load_id])
        con.execute("commit")
    return appended


@cache
def entry_sql(kind: str, source: str, entity: str) -> str:
    """The SQL of a vendor's model for one source of that kind."""
    return models_sql(kind, source)[f"{kind}__{entity}"]


@cache
def models_sql(kind: str, source: str) -> dict[str, str]:
    """The SQL of all models of a vendor by name."""
    return transform.vendor_sql(kind, source)


__all__ = ["START", "StandIn", "Vendor"]
