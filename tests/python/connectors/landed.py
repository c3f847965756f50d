"""Schemas as Fivetran and Airbyte land them, and a warehouse that reads them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml
from vendor import START, entry_sql

from orchestration.settings import Settings, load_settings
from orchestration.sources import EntityResult, check, extract

Table = Mapping[str, Sequence[Any]]


def write_duckdb(path: Path, schema: str, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Put tables of records into a schema, in place of those there; objects and lists become JSON."""
    with closing(duckdb.connect(str(path))) as con:
        con.execute(f'create schema if not exists "{schema}"')
        for name, records in tables.items():
            rows = list(records)
            columns = list(dict.fromkeys(column for row in rows for column in row))
            kinds = {column: _kind([row.get(column) for row in rows]) for column in columns}
            listed = ", ".join(f'"{column}" {kind}' for column, kind in kinds.items())
            con.execute(f'create or replace table "{schema}"."{name}" ({listed})')
            for row in rows:
                values = [_stored(row.get(column)) for column in columns]
                con.execute(
                    f'insert into "{schema}"."{name}" values ({", ".join("?" * len(columns))})', values
                )


def _kind(values: Sequence[Any]) -> str:
    given = {type(value) for value in values if value is not None}
    if given & {dict, list}:
        return "json"
    for python, kind in ((bool, "boolean"), (int, "bigint"), (datetime, "timestamp")):
        if given == {python}:
            return kind
    return "varchar"


def _stored(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


class Warehouse:
    """One source called `crm` that is read from a landed schema, and a home folder."""

    def __init__(self, root: Path, kind: str, **landed: Any) -> None:
        self.kind, self.root, self.home = kind, root, root / "home"
        self.runs = 0
        self.now = START
        root.mkdir(parents=True, exist_ok=True)
        self.configure(**landed)

    def configure(self, **landed: Any) -> Settings:
        config = self.root / "revops.yml"
        source = {"name": "crm", "kind": self.kind, "landed": landed}
        config.write_text(yaml.safe_dump({"sources": [source]}, sort_keys=False))
        self.settings = load_settings(config)
        return self.settings

    def check(self) -> list[tuple[str, str]]:
        return check(self.settings.source("crm"), self.settings)

    def sync(self, **options: Any) -> dict[str, EntityResult]:
        self.runs += 1
        self.now += timedelta(hours=1)
        work = self.home / "work" / f"run{self.runs}"
        source = self.settings.source("crm")
        result = extract(source, self.settings, self.home, work, f"run{self.runs}", self.now, **options)
        return {entity.entity: entity for entity in result.entities}

    def query(self, sql: str) -> list[dict[str, Any]]:
        with closing(duckdb.connect()) as con:
            con.execute(f"attach '{self.home / 'landing.duckdb'}' as landing (read_only)")
            cursor = con.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def entry(self, entity: str, *, deleted: bool = False) -> dict[str, dict[str, Any]]:
        """What the vendor's model makes of the landed tables, by id; live records, or all of them."""
        rows = self.query(
            f"select * from ({entry_sql(self.kind, 'crm', entity)}) where {deleted} or not is_deleted"
        )
        found = {row["source_id"]: row for row in rows}
        assert len(found) == len(rows), f"{entity} has an id twice"
        return found

    def problems(self) -> list[tuple[Any, ...]]:
        rows = self.query(
            "select entity, column_name, problem, count(*) from landing.raw_crm._problems group by all"
        )
        return [tuple(row.values()) for row in rows]
