"""The records identity works on: read from the entry tables, brought to the form in which they are compared.

What did not change since the last run keeps the form it got then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from orchestration.identity.lexicon import rows, words
from orchestration.identity.normalise import company_name, domain_class, latin, registrable_domain, shortened
from orchestration.identity.policy import Entity, Policy, RecordKey

_TABLE: dict[Entity, str] = {"account": "accounts", "person": "people"}
_REFERENCES: dict[Entity, tuple[tuple[str, str], ...]] = {
    "account": tuple(
        (table, "account_source_id")
        for table in (
            "opportunities", "subscription_periods", "contracts", "invoices", "tickets", "people",
            "touches", "surveys", "product_usage", "tasks",
        )
    ),
    "person": tuple(
        (table, "person_source_id")
        for table in ("opportunities", "funnel_events", "opportunity_people", "touches", "tickets", "surveys")
    ),
}  # fmt: skip
_COLUMNS: dict[Entity, tuple[str, ...]] = {
    "account": (
        "name", "website_domain", "tax_id", "phone", "street_address", "postal_code", "city", "country_code",
        "linked_ids",
    ),
    "person": (
        "email", "full_name", "first_name", "last_name", "phone", "company_name", "account_source_id",
        "converted_account_source_id", "city", "postal_code", "country_code", "linked_ids",
    ),
}  # fmt: skip
_IN_SQL: dict[Entity, tuple[str, ...]] = {
    "account": ("street_address", "city"),
    "person": ("first_name", "last_name", "full_name", "city", "street"),
}
"""Columns whose text SQL brings to the form in which it is compared; it knows the Latin alphabet only."""
_CUSTOM = ("born_on", "national_id", "street", "house")
_SQL = Path(__file__).parent / "sql"


def columns_of(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> frozenset[str]:
    """Column names of a table, empty when it does not exist."""
    found = con.execute(
        "select column_name from information_schema.columns where table_schema = ? and table_name = ?"
        " and table_catalog = current_database()",
        [schema, table],
    ).fetchall()
    return frozenset(row[0] for row in found)


def sql(name: str) -> str:
    """The text of one statement file."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def define_macros(con: duckdb.DuckDBPyConnection) -> None:
    """The normalisers that are SQL."""
    con.execute(sql("macros"))


def read(con: duckdb.DuckDBPyConnection, kind: Entity, policy: Policy, kept: str) -> None:
    """Bring table `<kept>.<kind>_records` up to the entry table.

    Temp table `dirty` gets the numbers of the records that are new or changed, `gone` of those that are no
    more.
    """
    _current(con, kind)
    known = f"{kept}.{kind}_records"
    if not con.execute(
        "select 1 from duckdb_tables() where database_name = ? and table_name = ?", [kept, f"{kind}_records"]
    ).fetchall():
        con.execute(
            "create or replace temp table dirty (no integer); create or replace temp table gone (no integer)"
        )
        con.execute(
            "create or replace temp table wanted as"
            " select cast(row_number() over (order by source_system, source_id) as integer) as no, * from"
            " current_records"
        )
        _features(con, kind, policy)
        con.execute(f"create table {known} as select * from fresh order by no")
    else:
        con.execute(
            f"create or replace temp table gone as select no from {known} as known"
            " anti join current_records using (source_system, source_id, row_hash)"
        )
        con.execute(
            "create or replace temp table wanted as select cast("
            f" (select coalesce(max(no), 0) from {known})"
            " + row_number() over (order by source_system, source_id) as integer) as no, *"
            f" from current_records anti join {known} using (source_system, source_id, row_hash)"
        )
        _features(con, kind, policy)
        con.execute(f"delete from {known} where no in (select no from gone)")
        con.execute(f"insert into {known} by name select * from fresh")
    con.execute(f"create or replace temp view {kind}_records as select * from {known}")
    con.execute("create or replace temp table dirty as select no from fresh")
    con.execute("drop table fresh; drop table wanted; drop table current_records")


def set_employers(con: duckdb.DuckDBPyConnection, kept: str) -> None:
    """Say where everybody works; whoever's employer is another one than in the last run is dirty."""
    con.execute(sql("employers"))
    con.execute(
        "create or replace temp table moved as select employers.no, employers.company from employers"
        " inner join person_records using (no) where employers.company is distinct from"
        " person_records.company"
    )
    con.execute(
        f"update {kept}.person_records set company = moved.company from moved where person_records.no ="
        f" moved.no"
    )
    con.execute("insert into dirty select no from moved where no not in (select no from dirty)")


def _current(con: duckdb.DuckDBPyConnection, kind: Entity) -> None:
    table = _TABLE[kind]
    have = columns_of(con, "entry", table)
    chosen = [
        f'cast("{c}" as varchar) as "{c}"' if c in have else f'cast(null as varchar) as "{c}"'
        for c in _COLUMNS[kind]
    ]
    names = list(_COLUMNS[kind])
    if kind == "person":
        chosen += _custom_columns(con, table, "custom" in have)
        names += _CUSTOM
    columns = ", ".join(names)
    source = (
        f"entry.{table}"
        if have
        else "(select null::varchar as source_system, null::varchar as source_id where false)"
    )
    con.execute(
        f"create or replace temp table current_records as select source_system, source_id, {columns},"
        f" hash(source_system, source_id, {columns}) as row_hash"
        f" from (select source_system, source_id, {', '.join(chosen)} from {source})"
    )


def _custom_columns(con: duckdb.DuckDBPyConnection, table: str, has_custom: bool) -> list[str]:
    """What `custom` says about who a person is, from the columns whose names are known."""
    said: dict[str, list[str]] = {each: [] for each in _CUSTOM}
    if has_custom:
        meaning = {row[0]: row[1] for row in rows("identifying_columns")}
        found = con.execute(
            f"select distinct unnest(json_keys(custom)) as key from entry.{table} where custom is not null"
            f" order by 1"
        ).fetchall()
        for (key,) in found:
            what = meaning.get(key.strip().lower().replace(" ", "_"))
            if what in said:
                path = '$."' + key.replace('"', '\\"') + '"'
                said[what].append(f"json_extract_string(custom, '{path.replace(chr(39), chr(39) * 2)}')")
    return [
        f"{f'coalesce({parts})' if (parts := ', '.join(found)) else 'cast(null as varchar)'} as {what}"
        for what, found in said.items()
    ]


def _features(con: duckdb.DuckDBPyConnection, kind: Entity, policy: Policy) -> None:
    """Temp table `fresh` from temp table `wanted`; whatever is not SQL runs once per distinct value."""

    def names(text: str) -> tuple[Any, ...]:
        found = company_name(text)
        return (found.core, found.places) if found else (None, None)

    def domain(text: str) -> tuple[Any, ...]:
        found = registrable_domain(text, policy.domain_alias)
        return (found, domain_class(found, policy.domain_class)) if found else (None, None)

    for column in _IN_SQL[kind]:
        other = f"select distinct {column} from wanted where strlen({column}) <> length({column})"
        _look_up(con, "other_script", other, lambda text: (latin(text),), ("in_latin",))
        con.execute(
            f"update wanted set {column} = in_latin from other_script where {column} = other_script.text"
        )
    if kind == "account":
        _look_up(con, "names", "select distinct name from wanted", names, ("core", "places"))
        _look_up(con, "domains", "select distinct website_domain from wanted", domain, ("domain", "class"))
        con.execute(
            sql("account_features"),
            {"divisions": shortened(words("divisions")), "road_words": sorted(words("road_words"))},
        )
        return
    con.execute(
        "update wanted set account_source_id = coalesce(account_source_id, converted_account_source_id)"
    )
    _look_up(con, "names", "select distinct company_name from wanted", names, ("core", "places"))
    hosts = "select distinct lower(trim(string_split(email, '@')[2], '<>\"'' ')) from wanted"
    _look_up(con, "domains", hosts, domain, ("domain", "class"))
    short = rows("nicknames")
    _register(con, "nicknames", {"short": [r[0] for r in short], "name": [r[1] for r in short]})
    con.execute(
        sql("person_features"),
        {"roles": sorted(words("role_mailboxes")), "road_words": sorted(words("road_words"))},
    )


def _look_up(
    con: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    read_value: Callable[[str], tuple[Any, ...]],
    columns: tuple[str, ...],
) -> None:
    texts = [row[0] for row in con.execute(query).fetchall() if row[0] is not None]
    values = [read_value(text) for text in texts]
    _register(con, name, {"text": texts} | {c: [v[i] for v in values] for i, c in enumerate(columns)})


def _register(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, list[Any]]) -> None:
    batch = pa.table({column: pa.array(values, pa.string()) for column, values in columns.items()})
    con.register("identity_batch", batch)
    con.execute(f"create or replace temp table {name} as select * from identity_batch")
    con.unregister("identity_batch")


def dangling_references(con: duckdb.DuckDBPyConnection, kind: Entity) -> str:
    """SQL of the record keys that facts point at and the entry table does not have."""
    parts = [
        f'select distinct source_system, {column} as source_id from entry."{table}" where {column} is not'
        f" null"
        for table, column in _REFERENCES[kind]
        if {column, "source_system"} <= columns_of(con, "entry", table)
    ] or ["select null::varchar as source_system, null::varchar as source_id where false"]
    return (
        f"select distinct source_system, source_id from ({' union all '.join(parts)})"
        f" anti join {kind}_records using (source_system, source_id)"
    )


def linked_keys(text: str | None) -> Iterable[RecordKey]:
    """Record keys inside a `linked_ids` object; ids may be text, numbers or lists of them."""
    if not text:
        return ()
    try:
        found = json.loads(text)
    except ValueError:
        return ()
    if not isinstance(found, dict):
        return ()
    keys: list[RecordKey] = []
    for system, value in found.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, (str, int)) and not isinstance(item, bool) and str(item).strip():
                keys.append((str(system), str(item).strip()))
    return keys
