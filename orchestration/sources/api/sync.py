"""Reads one vendor into the landing file: table by table, whole or from the last change on."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from orchestration.contract import Entity, entry_contract, raw_contract
from orchestration.errors import SourceFailed
from orchestration.settings import Settings, credentials
from orchestration.sources.api.client import MissingPermission, Record
from orchestration.sources.api.connector import Connector, Table, Window
from orchestration.sources.api.records import Records, raw_table
from orchestration.sources.entities import value_options
from orchestration.sources.landing import CursorMissedRecords, Landing, LastRead, Read, Rest
from orchestration.vendor_settings import SANDBOX, ObjectEntity, VendorSource

# Raise when a rule of reading changes, so that every table is read whole once.
_READER_VERSION = 1
_CHECKPOINT_AGE = timedelta(days=1)


def connector_class(kind: str) -> type[Connector[Any]]:
    """The connector of a vendor: `CONNECTOR` of orchestration/sources/<kind>/."""
    found: type[Connector[Any]] = import_module(f"orchestration.sources.{kind}").CONNECTOR
    return found


def check_vendor(source: VendorSource, settings: Settings) -> list[tuple[str, str]]:
    """Sign in and read a little of every table; returns (table, path) pairs.

    Raises ConfigurationError for missing credentials, SourceFailed with every permission that is missing.
    """
    with _Session(source, settings, datetime.max) as connector:
        refused: list[str] = []
        tables = [table for table, _ in _tables(connector)]
        for table in tables:
            try:
                connector.probe(table)
            except MissingPermission:
                refused.append(table.permission or f"read {table.name}")
        if refused:
            raise SourceFailed(
                f"Source '{source.name}' takes the credentials but lacks {', '.join(dict.fromkeys(refused))};"
                " grant it to the API user and check again."
            )
        return [(table.name, table.path) for table in tables]


def extract_vendor(
    landing: Landing, source: VendorSource, settings: Settings, home: Path, *, full_refresh: bool
) -> None:
    """Stage every table of the source."""
    with _Session(source, settings, landing.extracted_at) as connector:
        checkpoint = _Checkpoint(home / "checkpoints" / source.name, landing.extracted_at)
        for table, mapping in _tables(connector):
            read = _TableRead(landing, connector, table, mapping, settings, checkpoint)
            read.stage(full_refresh=full_refresh)


def _tables(connector: Connector[Any]) -> list[tuple[Table, ObjectEntity | None]]:
    """The tables of the vendor, and the objects that revops.yml maps."""
    mapped = [
        connector.object_table(entity, mapping) for entity, mapping in connector.source.entities.items()
    ]
    return [*((table, None) for table in connector.tables()), *mapped]


class _Session:
    """A connector with its credentials; for the sandbox, with the stand-in it talks to."""

    def __init__(self, source: VendorSource, settings: Settings, now: datetime) -> None:
        self._source = source
        self._settings = settings
        self._now = now
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> Connector[Any]:
        source, kind = self._source, connector_class(self._source.kind)
        if source.base_url == SANDBOX:
            from sandbox.vendors import serve

            stand_in = serve(source.kind, self._settings.root / "data" / "sandbox" / source.name)
            self._stop = stand_in.stop
            base_url, secrets = stand_in.base_url, stand_in.credentials
        else:
            base_url = source.base_url or ""
            secrets = credentials(source.name, kind.credentials)
        self._connector = kind(source, base_url, secrets, self._now)
        return self._connector

    def __exit__(self, *failure: object) -> None:
        self._connector.close()
        self._stop()


class _TableRead:
    """One table in one run."""

    def __init__(
        self,
        landing: Landing,
        connector: Connector[Any],
        table: Table,
        mapping: ObjectEntity | None,
        settings: Settings,
        checkpoint: "_Checkpoint",
    ) -> None:
        source = connector.source
        self._landing = landing
        self._connector = connector
        self._table = table
        self._checkpoint = checkpoint
        self._mapping = mapping
        contract = entry_contract() if mapping else raw_contract(source.kind)
        self._entity: Entity = contract[table.name]
        self._raw = raw_table(table, self._entity)
        self._options = value_options(
            mapping.formats if mapping else {},
            decimal=".",
            timezone=(mapping.timezone if mapping else None) or source.timezone,
            reporting_timezone=settings.reporting.timezone,
        )
        self._fingerprint = self._facts(source)
        self._read_at = landing.extracted_at

    def stage(self, *, full_refresh: bool) -> None:
        """Read what changed; read everything where that cannot be told or turns out not to be enough."""
        last = self._landing.last_read(self._table.name)
        since = None if full_refresh else self._since(last)
        if since is not None and last is not None:
            try:
                self._landing.stage(self._window_read(since, last))
                return
            except CursorMissedRecords:
                pass
        self._landing.stage(self._whole_read(first=last is None))

    def _since(self, last: LastRead | None) -> datetime | None:
        """From when on changes are read, None where everything must be."""
        if last is None or last.fingerprint != self._fingerprint:
            return None
        # A record that was rejected may have been corrected without a new time of change.
        if last.rows_rejected or not last.cursor_value:
            return None
        told = json.loads(last.cursor_value)
        if told["changed"] is None or self._is_due(told.get("whole")):
            return None
        changed = told["changed"]
        since = datetime.fromisoformat(changed) - self._table.lag
        feed = self._table.feed
        return None if feed is not None and self._landing.extracted_at - since > feed else since

    def _is_due(self, whole: str | None) -> bool:
        """Whether everything must be read again, because it was last read long ago."""
        every = self._table.whole_every
        if every is None:
            return False
        return whole is None or self._landing.extracted_at - datetime.fromisoformat(whole) >= every

    def _window_read(self, since: datetime, last: LastRead) -> Read:
        told = json.loads(last.cursor_value or "{}")
        window = Window(since, self._landing.extracted_at, told.get("state"))
        records = self._records()
        pages = self._connector.pages(self._table, window)
        listed = self._connector.census(self._table, window)
        return Read(
            table=self._raw,
            location=self._location,
            fingerprint=self._fingerprint,
            batches=records.batches(self._rows(pages)),
            rest=Rest(
                gone=lambda: self._connector.gone(self._table, window),
                keys=None if listed is None else self._keys(listed),
                covered=lambda: self._connector.covered(self._table, window),
            ),
            live_rows=lambda: self._connector.live_rows(self._table, window),
            cursor_value=lambda: self._cursor_value(records, told),
            may_repeat=True,
        )

    def _whole_read(self, *, first: bool) -> Read:
        window = Window(None, self._landing.extracted_at)
        records = self._records()
        pages: Iterable[list[Record]] = self._connector.pages(self._table, window)
        if first:
            self._read_at, pages = self._checkpoint.kept(self._table.name, self._fingerprint, pages)
        return Read(
            table=self._raw,
            location=self._location,
            fingerprint=self._fingerprint,
            batches=records.batches(self._rows(pages)),
            rest=None
            if self._table.complete
            else Rest(
                gone=lambda: self._connector.gone(self._table, window),
                covered=lambda: self._connector.covered(self._table, window),
            ),
            live_rows=lambda: self._connector.live_rows(self._table, window),
            cursor_value=lambda: self._cursor_value(records, {}),
            may_repeat=True,
        )

    @property
    def _location(self) -> str:
        return self._table.path or self._table.name

    def _records(self) -> Records:
        name = self._connector.source.name
        return Records(name, self._table, self._entity, self._options, self._mapping)

    def _rows(self, pages: Iterable[list[Record]]) -> Iterator[Sequence[Record]]:
        for page in pages:
            yield list(chain.from_iterable(self._connector.rows(self._table, record) for record in page))

    def _keys(self, pages: Iterable[list[Record]]) -> Iterator[list[str]]:
        for page in pages:
            yield [str(record[self._table.key]) for record in page]

    def _cursor_value(self, records: Records, told: dict[str, Any]) -> str | None:
        """The latest change seen, no later than now: one dated 2099 must not hide what comes after it.

        `told` is what the last read recorded, empty if this one read everything.
        """
        whole = told.get("whole") or str(self._read_at)
        if self._table.feed is not None:
            changed: str | None = str(self._read_at)
            state = self._connector.state(self._table)
            return json.dumps({"changed": changed, "state": state, "whole": whole})
        if self._table.cursor is None:
            return None
        seen = [text for text in (records.highest, told.get("changed")) if text is not None]
        changed = min(max(seen), str(self._landing.extracted_at)) if seen else None
        state = self._connector.state(self._table)
        if changed is None and state is None:
            return None
        return json.dumps({"changed": changed, "state": state, "whole": whole})

    def _facts(self, source: VendorSource) -> str:
        """Changes with what is read and how, not with the records."""
        facts = {
            "reader": _READER_VERSION,
            "source": source.model_dump(exclude={"name", "base_url", "fields", "entities"}),
            "mapping": self._mapping.model_dump() if self._mapping else None,
            "columns": {name: asdict(column) for name, column in self._entity.columns.items()},
            "table": [self._table.path, self._table.key, self._table.cursor, sorted(self._table.ignore)],
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class _Checkpoint:
    """Pages of tables that were read to their end for the first time, kept until all of them are loaded.

    A first load may take hours; one that is killed takes up again behind the last finished table.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self._now = now
        for file in folder.glob("*"):
            written = datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(tzinfo=None)
            if now - written > _CHECKPOINT_AGE or file.suffix == ".part":
                file.unlink()

    def kept(
        self, table: str, fingerprint: str, pages: Iterable[list[Record]]
    ) -> tuple[datetime, Iterator[list[Record]]]:
        """When a table was read, and its pages: those of a killed load if it had them all, else new ones."""
        file = self._folder / f"{table}-{fingerprint[:16]}.jsonl"
        if file.exists():
            lines = file.open(encoding="utf-8")
            return datetime.fromisoformat(json.loads(next(lines))), self._read(lines)
        return self._now, self._written(file, pages)

    def _read(self, lines: TextIO) -> Iterator[list[Record]]:
        with lines:
            for line in lines:
                yield json.loads(line)

    def _written(self, file: Path, pages: Iterable[list[Record]]) -> Iterator[list[Record]]:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".part")
        with draft.open("w", encoding="utf-8") as lines:
            lines.write(json.dumps(self._now.isoformat()) + "\n")
            for page in pages:
                lines.write(json.dumps(page, default=str) + "\n")
                yield page
        draft.replace(file)


def forget_checkpoint(home: Path, source: str) -> None:
    """The tables are loaded: what was kept of them is not needed any more."""
    shutil.rmtree(home / "checkpoints" / source, ignore_errors=True)
