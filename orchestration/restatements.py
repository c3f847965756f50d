"""What the version readers see now said, and which records have changed since: the input of
operations.kpi_restatements.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration.contract import Entity, entry_contract, raw_contract, tables_behind
from orchestration.publish.versions import Version
from orchestration.settings import Settings, Source
from orchestration.vendor_settings import VendorSource
from orchestration.warehouse import attached, identifier, tables

RECORDS_LISTED = 20
_VALUE_LENGTH = 200

_VALUES = {
    "kpi": "varchar",
    "variant": "varchar",
    "grain": "varchar",
    "period_start": "date",
    "period_end": "date",
    "dimension": "varchar",
    "dimension_value": "varchar",
    "value": "double",
    "null_reason": "varchar",
    "as_of": "date",
    "definition_version": "varchar",
}
_RESTATEMENTS = {
    "kpi": "varchar",
    "variant": "varchar",
    "grain": "varchar",
    "period_start": "date",
    "dimension": "varchar",
    "dimension_value": "varchar",
    "restated_at": "timestamp",
    "old_value": "double",
    "new_value": "double",
    "cause": "varchar",
}
_CHANGES = {
    "entity": "varchar",
    "place": "bigint",
    "changes_of_entity": "bigint",
    "change": "varchar",
}

# A change of these says nothing on its own: the source sets them with every other change.
_STAMPS = re.compile(r"^(source_system|source_id|is_deleted)$|updated|modified|modstamp")


@dataclass(frozen=True)
class Knowledge:
    """What a run knew: finished loads up to `load_id` (None: none, '' : all), extracted by `known_at`."""

    load_id: str | None
    known_at: datetime | None

    def condition(self) -> tuple[str, list[Any]]:
        """SQL condition on a raw version, and its values."""
        return (
            "(? = '' or _dlt_load_id <= ?)"
            " and (cast(? as timestamp) is null or _extracted_at <= cast(? as timestamp))",
            [self.load_id, self.load_id, self.known_at, self.known_at],
        )


def write(
    con: duckdb.DuckDBPyConnection, previous: Version | None, settings: Settings, known_at: datetime | None
) -> None:
    """Create run.previous_kpi_values, run.previous_restatements and run.changed_records; all three are empty
    before the first publication.

    `con` is the build with landing.duckdb attached as `landing`. Up to RECORDS_LISTED changes of each entity
    are kept, edits before deletions before new records; values of personal columns are left out.
    """
    con.execute("create schema if not exists run")
    for table, columns in (
        ("previous_kpi_values", _VALUES),
        ("previous_restatements", _RESTATEMENTS),
        ("changed_records", _CHANGES),
    ):
        definitions = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        con.execute(f"create table run.{table} ({definitions})")
    if previous is None:
        return
    with attached(con, previous.folder / "revops.duckdb", "previous", read_only=True):
        _copy(con, "metrics", "kpi_values", _VALUES, "previous_kpi_values")
        _copy(con, "operations", "kpi_restatements", _RESTATEMENTS, "previous_restatements")
    landed = {source.name: tables(con, "landing", f"raw_{source.name}") for source in settings.sources}
    for name in entry_contract():
        found = sorted(
            change
            for source in settings.sources
            for table, key in _tables(name, source)
            if table.name in landed[source.name]
            for change in _changes(con, source.name, table, key, previous, known_at)
        )
        con.executemany(
            "insert into run.changed_records values (?, ?, ?, ?)",
            [(name, place, len(found), text) for place, (*_, text) in enumerate(found[:RECORDS_LISTED], 1)],
        ) if found else None


def _copy(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, columns: Mapping[str, str], into: str
) -> None:
    """Copy a table of the previous version; one of another shape says nothing that could be compared."""
    if columns.keys() <= tables(con, "previous", schema).get(table, {}).keys():
        con.execute(f"insert into run.{into} select {', '.join(columns)} from previous.{schema}.{table}")


def _tables(name: str, source: Source) -> Iterator[tuple[Entity, str]]:
    """The raw tables one source makes an entry entity of, each with its key."""
    yield entry_contract()[name], "source_id"
    if isinstance(source, VendorSource):
        for table, key in tables_behind(source.kind).get(name, ()):
            yield raw_contract(source.kind)[table], key


def _changes(
    con: duckdb.DuckDBPyConnection,
    source: str,
    entity: Entity,
    key: str,
    previous: Version,
    known_at: datetime | None,
) -> Iterator[tuple[int, str, str, str, str]]:
    """Every changed field of the records of one raw table: kind of change, source, id, field, and the change
    as JSON.
    """
    then = previous.manifest.get("known_at")
    before = Knowledge(
        previous.manifest.get("loads", {}).get(source), datetime.fromisoformat(then) if then else None
    )
    now = Knowledge("", known_at)
    columns = [name for name in entity.columns if not _STAMPS.search(name) and name != key]
    schema = f"landing.{identifier(f'raw_{source}')}"
    table = f"{schema}.{identifier(entity.name)}"
    pairs = ", ".join(
        f"{{'field': '{name}', 'old': cast(was.{identifier(name)} as varchar),"
        f" 'new': cast(is_now.{identifier(name)} as varchar)}}"
        for name in columns
    )
    # Without --known-at only records of later loads can differ: the log is long, a day's news is short.
    newer_than = before.load_id if before.known_at is None and known_at is None else None
    gone = "coalesce(is_deleted, false) or _is_deleted" if "is_deleted" in entity.columns else "_is_deleted"
    log = f"(select *, {identifier(key)} as record_id, {gone} as is_gone from {table})"
    was, was_values = _latest(log, schema, before, newer_than)
    is_now, now_values = _latest(log, schema, now, newer_than)
    rows = con.execute(
        f"with was as ({was}), is_now as ({is_now}), pairs as ("
        " select coalesce(was.record_id, is_now.record_id) as record_id, was.record_id is null as is_new,"
        "  was.is_gone as was_gone, is_now.is_gone or is_now.record_id is null as is_gone,"
        f" [{pairs}] as fields"
        " from was full join is_now on was.record_id = is_now.record_id"
        " where was._dlt_id is distinct from is_now._dlt_id)"
        " select 1, record_id, field.field, field.old, field.new"
        " from (select record_id, unnest(fields) as field from pairs where not is_new and not is_gone)"
        " where field.old is distinct from field.new"
        " union all select 2, record_id, 'is_deleted', cast(was_gone as varchar), cast(is_gone as varchar)"
        " from pairs where not is_new and was_gone <> is_gone"
        f" union all select 3, record_id, '{key}', null, record_id"
        " from pairs where is_new and not is_gone",
        [*was_values, *now_values],
    ).fetchall()
    for kind, source_id, field, old, new in rows:
        is_private = field == "custom" or (field in entity.columns and entity.columns[field].pii)
        change = {
            "source_system": source,
            "entity": entity.name,
            "source_id": source_id,
            "field": field,
            "old": None if is_private or old is None else old[:_VALUE_LENGTH],
            "new": None if is_private or new is None else new[:_VALUE_LENGTH],
        }
        yield kind, source, source_id, field, json.dumps(change, ensure_ascii=False)


def _latest(log: str, schema: str, knowledge: Knowledge, newer_than: str | None) -> tuple[str, list[Any]]:
    """The latest version of every record as far as it was known; with `newer_than` only of records that have
    a version from a later load.
    """
    condition, values = knowledge.condition()
    if newer_than is not None:
        condition += f" and record_id in (select record_id from {log} where _dlt_load_id > ?)"
        values = [*values, newer_than]
    return (
        f"select * from {log} where {condition}"
        f" and _dlt_load_id in (select load_id from {schema}._dlt_loads where status = 0)"
        " qualify row_number() over (partition by record_id"
        " order by _version_at desc, _dlt_load_id desc, _row desc, _content_hash) = 1",
        values,
    )
