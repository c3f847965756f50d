"""Pairs of records worth comparing, and how they compare.

Two records are candidates when they share a block that is not too large. Only pairs with a record that
changed, or whose block grew past its cap or shrank below it, are formed and compared again: the others would
come out the same.
"""

from __future__ import annotations

import duckdb

from orchestration.identity.model import Model
from orchestration.identity.policy import Entity

# What records are brought together by: cap of the block, and the values that must all be there.
_BLOCKS: dict[Entity, tuple[tuple[int, tuple[str, ...]], ...]] = {
    "account": (
        (500, ("domain",)),
        (100, ("name",)),
        (100, ("name", "country")),
        (100, ("name", "city")),
        (100, ("label",)),
        (60, ("phone",)),
        (60, ("street",)),
        (60, ("postal_code", "left(squeezed, 2)")),
        (200, ("tax_id",)),
        (60, ("words",)),
        (60, ("string_split(name, ' ')[1]", "coalesce(country, '')")),
        (60, ("string_split(name, ' ')[1]", "city")),
        (60, ("case when length(squeezed) >= 6 then left(squeezed, 6) end",)),
        (60, ("case when length(squeezed) >= 6 then right(squeezed, 6) end", "coalesce(country, '')")),
        (60, ("left(squeezed, 4)", "city")),
    ),
    "person": (
        (100, ("email",)),
        (60, ("case when length(local) >= 6 then local end",)),
        (60, ("case when length(local_stem) >= 5 then local_stem end", "mail_domain")),
        (60, ("phone",)),
        (60, ("least(given, last_name)", "greatest(given, last_name)")),
        (60, ("last_name", "company")),
        (60, ("given", "company")),
        (60, ("last_name", "firm")),
        (60, ("given", "firm")),
        (60, ("last_name", "left(given, 1)", "city")),
        (60, ("left(given, 3)", "left(last_name, 3)", "company")),
        (60, ("left(given, 3)", "left(last_name, 3)", "country")),
        (60, ("left(given, 4)", "left(last_name, 4)")),
        (60, ("last_name", "postal_code")),
        (60, ("given", "postal_code")),
        (60, ("born_on",)),
        (60, ("national_id",)),
        (60, ("street",)),
        (60, ("given", "city", "left(last_name, 1)")),
    ),
}


def compare(con: duckdb.DuckDBPyConnection, kind: Entity, model: Model, kept: str) -> None:
    """Bring `<kept>.<kind>_pairs` up to the records: candidate pairs with their level in each comparison."""
    keys, pairs = f"{kept}.{kind}_keys", f"{kept}.{kind}_pairs"
    caps = ", ".join(f"({number}, {cap})" for number, (cap, _) in enumerate(_BLOCKS[kind]))
    con.execute(f"create or replace temp table caps as select * from (values {caps}) as caps (block, cap)")
    known = con.execute(
        "select count(*) from duckdb_tables() where database_name = ? and table_name = ?",
        [kept, f"{kind}_pairs"],
    ).fetchall()[0][0]
    if not known:
        con.execute(f"create table {keys} as {_keys(kind, f'{kind}_records')}")
        _pairs(con, kind, keys, "")
        con.execute(f"create table {pairs} as {_compared(kind, model)}")
        return
    con.execute("create or replace temp table left_out as select no from gone union select no from dirty")
    if not con.execute("select 1 from left_out limit 1").fetchall():
        return
    con.execute(
        "create or replace temp table touched as"
        f" select distinct block, key from {keys} where no in (select no from left_out)"
    )
    con.execute(
        f"create or replace temp table fresh_keys as"
        f" {_keys(kind, f'(select * from {kind}_records semi join dirty using (no))')}"
    )
    con.execute("insert into touched select block, key from fresh_keys")
    con.execute(
        f"create or replace temp table before as {_sizes(keys, kind, 'semi join touched using (block, key)')}"
    )
    con.execute(f"delete from {keys} where no in (select no from left_out)")
    con.execute(f"insert into {keys} select * from fresh_keys")
    con.execute(
        "create or replace temp table crossed as select block, key"
        f" from ({_sizes(keys, kind, 'semi join touched using (block, key)')}) as now"
        " full join before using (block, key) inner join caps using (block)"
        " where (coalesce(before.size, 0) <= cap) <> (coalesce(now.size, 0) <= cap)"
        " or (now.size > cap and before.hub is distinct from now.hub)"
    )
    con.execute(
        f"insert into dirty select distinct no from {keys} semi join crossed using (block, key) where no"
        f" not in (select no from dirty)"
    )
    con.execute(
        f"delete from {pairs} where a in (select no from gone union all select no from dirty) or b in"
        f" (select no from gone union all select no from dirty)"
    )
    _pairs(con, kind, keys, "semi join dirty using (no)")
    con.execute(f"insert into {pairs} {_compared(kind, model)}")


def _keys(kind: Entity, records: str) -> str:
    parts = []
    for number, (_, values) in enumerate(_BLOCKS[kind]):
        complete = " and ".join(f"{value} is not null" for value in values)
        parts.append(
            f"select {number}::utinyint as block, hash({', '.join(values)}) as key, no from {records} as"
            f" records where {complete}"
        )
    return " union all ".join(parts)


def _sizes(keys: str, kind: Entity, which: str = "") -> str:
    """SQL of the blocks with their size and hub, the member that is first whenever the records came."""
    return (
        f"select block, key, count(*) as size, min(tie) as hub from {keys} as keys"
        f" inner join (select no, tie from {kind}_records) using (no) {which} group by block, key"
    )


def _pairs(con: duckdb.DuckDBPyConnection, kind: Entity, keys: str, some: str) -> None:
    """Temp table `candidates` (a, b), a < b, each once: all pairs of a block within its cap; of a larger one,
    every member with the hub.
    """
    con.execute(
        "create or replace temp table sizes as select sizes.*, size <= cap as is_small from"
        f" ({_sizes(keys, kind)}) as sizes inner join caps using (block) where size > 1"
    )
    members = f"(select keys.block, keys.key, keys.no from {keys} as keys {some})"
    con.execute(
        "create or replace temp table candidates as"
        " select distinct least(x, y) as a, greatest(x, y) as b from ("
        f"  select l.no as x, r.no as y from {members} as l"
        "   inner join sizes on l.block = sizes.block and l.key = sizes.key and is_small"
        f"   inner join {keys} as r on l.block = r.block and l.key = r.key union all"
        f"  select l.no, records.no from {members} as l"
        "   inner join sizes on l.block = sizes.block and l.key = sizes.key and not is_small"
        f"   inner join {kind}_records as records on sizes.hub = records.tie"
        "  union all select x, y from links where x in (select no from dirty) or y in (select no from dirty))"
        " where x <> y"
    )


def _compared(kind: Entity, model: Model) -> str:
    """SQL of the candidates with a level per comparison."""
    columns = model.columns
    sides = ", ".join(f'{s}."{c}" as "{c}_{s}"' for c in columns for s in ("l", "r"))
    levels = ", ".join(f"{model.level_sql(c)} as {c}" for c in model.comparisons)
    return (
        f"select a, b, {levels} from (select a, b, {sides} from candidates"
        f" inner join {kind}_records as l on a = l.no inner join {kind}_records as r on b = r.no)"
    )
