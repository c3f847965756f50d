"""A company in a temporary folder whose sources are extracted for real, run after run."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.settings import Settings, load_settings
from orchestration.sources import EntityResult, SourceResult, check, extract

FIRST_RUN = datetime(2026, 11, 1, 6, 0)


class Company:
    """Files, a configuration and a home folder. Each `extract` is a run, one hour after the one before."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.folder = root / "exports"
        self.folder.mkdir(parents=True)
        self.runs = 0
        self.configure({"name": "acme", "kind": "files", "path": "exports"})

    def configure(self, *sources: Mapping[str, Any], **keys: Any) -> Settings:
        config = self.root / "revops.yml"
        config.write_text(yaml.safe_dump({"sources": list(sources), **keys}, sort_keys=False))
        self.settings = load_settings(config)
        return self.settings

    def map(self, entity: str, file: str, **mapping: Any) -> Settings:
        """Configure the one source acme to read one entity from one file."""
        source = {"name": "acme", "kind": "files", "path": "exports"}
        return self.configure({**source, "entities": {entity: {"file": file, **mapping}}})

    def write(self, file: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.folder / file
        path.write_bytes(text.encode(encoding))
        return path

    def write_rows(self, file: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
        path = self.folder / file
        with path.open("w", newline="") as target:
            csv.writer(target).writerows([header, *rows])
        return path

    @property
    def extracted_at(self) -> datetime:
        """The time of the run that was made last."""
        return FIRST_RUN + timedelta(hours=self.runs - 1)

    def check(self, source: str = "acme") -> list[tuple[str, str]]:
        return check(self.settings.source(source), self.settings)

    def extract(self, source: str = "acme", **options: Any) -> SourceResult:
        self.runs += 1
        run_id = f"run{self.runs}"
        return extract(
            self.settings.source(source),
            self.settings,
            self.home,
            self.home / "work" / run_id,
            run_id,
            self.extracted_at,
            **options,
        )

    def extract_one(self, source: str = "acme", **options: Any) -> EntityResult:
        (result,) = self.extract(source, **options).entities
        return result

    def query(self, sql: str, *values: object) -> list[dict[str, Any]]:
        with closing(duckdb.connect(str(self.home / "landing.duckdb"), read_only=True)) as con:
            cursor = con.execute(sql, list(values))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def versions(self, entity: str, source: str = "acme") -> list[dict[str, Any]]:
        """All finished versions, oldest first."""
        return self.query(
            f"select * from raw_{source}.{entity} where _dlt_load_id in"
            f" (select load_id from raw_{source}._dlt_loads where status = 0)"
            " order by source_id, _dlt_load_id, _version_at, _row"
        )

    def current(self, entity: str, source: str = "acme") -> dict[str, dict[str, Any]]:
        """The current version of every record by id, as the models pick it."""
        rows = self.query(
            f"select * from raw_{source}.{entity} where _dlt_load_id in"
            f" (select load_id from raw_{source}._dlt_loads where status = 0)"
            " qualify row_number() over (partition by source_id"
            " order by _version_at desc, _dlt_load_id desc, _row desc, _content_hash) = 1"
        )
        return {row["source_id"]: row for row in rows}

    def live(self, entity: str, source: str = "acme") -> set[str]:
        return {key for key, row in self.current(entity, source).items() if not row["_is_deleted"]}

    def column(self, entity: str, column: str) -> dict[str, Any]:
        return {key: row[column] for key, row in sorted(self.current(entity).items())}

    def custom(self, entity: str) -> dict[str, Any]:
        return {
            key: None if text is None else json.loads(text)
            for key, text in self.column(entity, "custom").items()
        }

    def last_read(self, entity: str, source: str = "acme") -> dict[str, Any]:
        return self.query(
            f"select * from raw_{source}._reads where entity = ?"
            " order by read_at desc, _dlt_load_id desc limit 1",
            entity,
        )[0]

    def problems(self, source: str = "acme") -> list[tuple[Any, ...]]:
        """(entity, location, row, column, value, problem, severity) of all finished reads, in order."""
        rows = self.query(
            "select entity, location, row_number, column_name, value, problem, severity"
            f" from raw_{source}._problems order by run_id, entity, row_number, column_name"
        )
        return [tuple(row.values()) for row in rows]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    yield Company(tmp_path)
