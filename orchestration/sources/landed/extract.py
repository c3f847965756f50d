"""Reads a vendor's landed schema into the raw tables that its API would have filled."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec

from orchestration.contract import Entity, raw_contract
from orchestration.errors import ConfigurationError
from orchestration.settings import Settings
from orchestration.sources.api.connector import Table
from orchestration.sources.api.records import Records, raw_table
from orchestration.sources.landed.schema import LandedSchema, Row, open_schema
from orchestration.sources.landed.services import SERVICES
from orchestration.sources.landed.tables import Fields, LandedTable, Record, fold
from orchestration.sources.landing import Landing, Read, Rest
from orchestration.sources.values import ValueOptions
from orchestration.vendor_settings import VendorSource

# Raise when a rule of reading changes, so that every table is read again once.
_READER_VERSION = 1


def check_landed(source: VendorSource, settings: Settings) -> list[tuple[str, str]]:
    """Open the schema and find the tables of the vendor; returns (raw table, landed tables) pairs."""
    with _reading(source, settings) as reader:
        found = [(table.name, ", ".join(reader.names(table))) for table in reader.tables]
        return [(name, names) for name, names in found if names]


def extract_landed(landing: Landing, source: VendorSource, settings: Settings, *, full_refresh: bool) -> None:
    """Stage every raw table of the vendor; those that no landed table fills are empty."""
    with _reading(source, settings) as reader:
        for table in reader.tables:
            reader.stage(landing, table, full_refresh=full_refresh)


@contextmanager
def _reading(source: VendorSource, settings: Settings) -> Iterator["_Reader"]:
    landed = source.landed
    assert landed is not None
    if find_spec(f"orchestration.sources.{source.kind}.landed") is None:
        raise ConfigurationError(
            f"Source '{source.name}': how {landed.by} lands {source.kind} is not known here;"
            " remove landed of the source and it is read over its API."
        )
    path = settings.root / landed.path if landed.path else None
    with open_schema(source.name, landed.in_schema or source.kind, path) as schema:
        reader = _Reader(source, settings, schema)
        if not any(map(reader.names, reader.tables)):
            wanted = sorted({getattr(part, landed.by) for part in reader.parts} - {""})
            raise ConfigurationError(
                f"Source '{source.name}': schema '{schema.name}' has none of the tables that {landed.by}"
                f" lands of {source.kind}, such as {', '.join(wanted[:5])}; correct landed of the source."
            )
        yield reader


class _Reader:
    """One landed schema in one run."""

    def __init__(self, source: VendorSource, settings: Settings, schema: LandedSchema) -> None:
        assert source.landed is not None
        self._source = source
        self._by = source.landed.by
        self._service = SERVICES[self._by]
        self._schema = schema
        self._options = ValueOptions(timezone=source.timezone, reporting_timezone=settings.reporting.timezone)
        self.tables: Sequence[Table] = import_module(f"orchestration.sources.{source.kind}.tables").TABLES
        self.parts: Sequence[LandedTable] = import_module(
            f"orchestration.sources.{source.kind}.landed"
        ).LANDED

    def names(self, table: Table) -> list[str]:
        """The landed tables that fill a raw table and are there."""
        return [name for name, _ in self._found(table)]

    def stage(self, landing: Landing, table: Table, *, full_refresh: bool) -> None:
        """Read every row, unless the service has not written to any of the tables since the last read."""
        entity = raw_contract(self._source.kind)[table.name]
        fingerprint, state = self._facts(table, entity), self._state(table)
        last = landing.last_read(table.name)
        location = ", ".join(self.names(table)) or "(not landed)"
        if (
            last is not None
            and not full_refresh
            and not last.rows_rejected
            and (last.fingerprint, last.cursor_value) == (fingerprint, state)
        ):
            landing.skip(table.name, location)
            return
        records = Records(self._source.name, table, entity, {"": self._options})
        landing.stage(
            Read(
                table=raw_table(table, entity),
                location=location,
                fingerprint=fingerprint,
                batches=records.batches(self._pages(table, entity)),
                rest=None if table.complete else Rest(),
                cursor_value=lambda: state,
                may_repeat=True,
            )
        )

    def _found(self, table: Table) -> list[tuple[str, LandedTable]]:
        named = [(getattr(part, self._by), part) for part in self.parts if part.raw == table.name]
        return [(name, part) for name, part in named if name in self._schema.tables]

    def _state(self, table: Table) -> str:
        """Changes whenever the service has written to one of the tables, or to those they are joined with."""
        names = self.names(table)
        joined = any(part.joined for _, part in self._found(table))
        counted = sorted(self._schema.tables) if joined else sorted(set(names))
        return json.dumps(
            {
                name: self._schema.value(
                    self._service.state(self._schema.relation(name), self._schema.tables[name])
                )
                for name in counted
            }
        )

    def _facts(self, table: Table, entity: Entity) -> str:
        facts = {
            "reader": _READER_VERSION,
            "by": self._by,
            "timezone": asdict(self._options),
            "columns": {name: asdict(column) for name, column in entity.columns.items()},
            "landed": {name: sorted(self._schema.tables[name]) for name in self.names(table)},
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def _pages(self, table: Table, entity: Entity) -> Iterator[list[Record]]:
        declared = {fold(name): name for name in entity.columns}
        for name, part in self._found(table):
            for rows in self._schema.rows(self._query(name, part), part.objects):
                yield [
                    {
                        declared.get(fold(field), self._schema.own_name(name, field)): value
                        for field, value in record.items()
                    }
                    for row in rows
                    for record in self._records(part, row)
                ]

    def _query(self, name: str, part: LandedTable) -> str:
        columns = self._schema.tables[name]
        key = [column for column in part.key if column in columns]
        if not key:
            raise ConfigurationError(
                f"Source '{self._source.name}': table {self._schema.name}.{name} has none of the columns"
                f" {', '.join(part.key)}, by which its rows are known."
            )
        relation = self._schema.relation(name)
        if part.versions:
            return f"select * from {relation} as landed"
        latest = self._service.latest(relation, columns, key)
        return part.joined(self._schema, latest) if part.joined else latest

    def _records(self, part: LandedTable, row: Row) -> Iterator[Record]:
        gone = self._service.is_gone(row)
        yield from part.records(Fields(row if part.versions else self._service.content(row)), gone)
