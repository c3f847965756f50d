"""Reads the tables of one source into the landing file: whole, or from a cursor on with a census of all."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from orchestration.contract import Entity, entry_contract
from orchestration.errors import ConfigurationError
from orchestration.settings import DatabaseSource, Settings, TableEntity, nearest
from orchestration.sources.batch import Batch
from orchestration.sources.database.connection import SourceTable, connect, find_table
from orchestration.sources.database.cursor import Cursor, lower_bound
from orchestration.sources.entities import raw_table, value_options
from orchestration.sources.landing import CursorMissedRecords, Landing, Read
from orchestration.sources.mapping import Converter, Plan, Rows, make_plan, named_by_id
from orchestration.sources.values import Parse, ValueOptions, parser

# Raise when a rule of reading changes, so that tables with a cursor are read whole once.
_READER_VERSION = 1
_CHUNK_ROWS = 20_000


@dataclass(frozen=True)
class _Table:
    """A table with everything the configuration says about reading it."""

    entity: Entity
    source: SourceTable
    mapping: TableEntity
    plan: Plan
    options: Mapping[str, ValueOptions]


def check_database(source: DatabaseSource, settings: Settings) -> list[tuple[str, str]]:
    """Connect and compare every table's columns with its mapping; returns (entity, table) pairs."""
    with connect(source.name) as connection:
        tables = _tables(connection, source, settings)
        for table in tables:
            connection.execute(sa.select(sa.literal(1)).select_from(table.source.clause).limit(1))
    return [(table.entity.name, table.mapping.table) for table in tables]


def extract_database(
    landing: Landing, source: DatabaseSource, settings: Settings, *, full_refresh: bool
) -> None:
    """Stage every table of the source, all of them as of one moment."""
    with connect(source.name) as connection:
        for table in _tables(connection, source, settings):
            since = None if full_refresh else _since(landing, table)
            try:
                landing.stage(_read(connection, landing, table, since))
            except CursorMissedRecords:
                landing.stage(_read(connection, landing, table, None))


def _tables(connection: sa.Connection, source: DatabaseSource, settings: Settings) -> list[_Table]:
    return [_table(connection, source, settings, name, mapping) for name, mapping in source.entities.items()]


def _table(
    connection: sa.Connection, source: DatabaseSource, settings: Settings, name: str, mapping: TableEntity
) -> _Table:
    key = f"sources.{source.name}.entities.{name}"
    entity = entry_contract()[name]
    table = find_table(connection, source.name, f"{key}.table", mapping.table)
    if mapping.cursor is not None and mapping.cursor not in table.columns:
        near = nearest(mapping.cursor, table.columns)
        hint = f"perhaps '{near}' is meant" if near else f"the columns are {', '.join(table.columns)}"
        raise ConfigurationError(
            f"{key}.cursor is '{mapping.cursor}', which {mapping.table} does not have; {hint}."
        )
    return _Table(
        entity=entity,
        source=table,
        mapping=mapping,
        plan=make_plan(entity, table.columns, mapping.columns, mapping.constants, f"Table {mapping.table}"),
        options=value_options(
            mapping.formats,
            decimal=".",
            timezone=mapping.timezone or source.timezone,
            reporting_timezone=settings.reporting.timezone,
        ),
    )


def _fingerprint(table: _Table) -> str:
    """Changes with the mapping, the columns of the table and the contract; not with the rows."""
    facts = {
        "reader": _READER_VERSION,
        "mapping": table.mapping.model_dump(),
        "options": {name: asdict(options) for name, options in table.options.items()},
        "columns": {name: asdict(column) for name, column in table.entity.columns.items()},
        "table": table.source.columns,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _since(landing: Landing, table: _Table) -> str | None:
    """The cursor value to read from, None where the whole table must be read."""
    last = landing.last_read(table.entity.name)
    if table.mapping.cursor is None or last is None or last.fingerprint != _fingerprint(table):
        return None
    # A row that was rejected may have been corrected without a new cursor value.
    return None if last.rows_rejected else last.cursor_value


def _read(connection: sa.Connection, landing: Landing, table: _Table, since: str | None) -> Read:
    zone = table.options[""].timezone
    cursor = Cursor(landing.extracted_at, zone) if table.mapping.cursor else None
    return Read(
        table=raw_table(table.entity),
        location=table.mapping.table,
        fingerprint=_fingerprint(table),
        batches=_batches(connection, table, cursor, since),
        census=None if since is None else _census(connection, table),
        cursor_value=lambda: _later(cursor.stored() if cursor else None, since),
    )


def _later(found: str | None, since: str | None) -> str | None:
    # A window without rows leaves the cursor where it was.
    return found if found is not None else since


def _batches(
    connection: sa.Connection, table: _Table, cursor: Cursor | None, since: str | None
) -> Iterator[Batch]:
    clause = table.source.clause
    query = sa.select(*clause.columns)
    if since is not None and table.mapping.cursor:
        column = clause.columns[table.mapping.cursor]
        query = query.where(sa.or_(column >= lower_bound(since), column.is_(None)))
    converter = Converter(table.plan, table.options)
    position = table.source.columns.index(table.mapping.cursor) if table.mapping.cursor else 0
    for rows in _chunks(connection, query):
        if cursor:
            cursor.see(row[position] for row in rows)
        batch = converter.convert(Rows(values=list(rows), numbers=list(range(len(rows)))))
        key = table.plan.fields["source_id"]
        yield named_by_id(batch, [row[key] for row in rows])


def _census(connection: sa.Connection, table: _Table) -> Iterator[Batch]:
    """The id and the amounts of every row, whatever its cursor says."""
    columns = table.entity.columns
    wanted = ["source_id", *(name for name in table.plan.fields if columns[name].type == "money")]
    clause = table.source.clause
    query = sa.select(*(clause.columns[table.source.columns[table.plan.fields[name]]] for name in wanted))
    parsers = [parser(columns[name], table.options[""]) for name in wanted]
    constants = {
        name: parser(columns[name], table.options[""])(value)
        for name, value in table.plan.constants.items()
        if columns[name].type == "money"
    }
    for rows in _chunks(connection, query):
        found: dict[str, list[str | None]] = {
            name: [_parsed(parse, value) for value in values]
            for name, parse, values in zip(wanted, parsers, zip(*rows, strict=True), strict=True)
        }
        found.update({name: [value] * len(rows) for name, value in constants.items()})
        yield Batch(columns=dict(found), row_numbers=[None] * len(rows))


def _parsed(parse: Parse, value: object) -> str | None:
    try:
        return parse(value)
    except ValueError:
        return None


def _chunks(
    connection: sa.Connection, query: sa.Select[tuple[object, ...]]
) -> Iterator[list[tuple[object, ...]]]:
    result = connection.execution_options(stream_results=True, yield_per=_CHUNK_ROWS).execute(query)
    for partition in result.partitions(_CHUNK_ROWS):
        yield [tuple(row) for row in partition]
