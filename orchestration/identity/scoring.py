"""How much the levels of a pair weigh among these records: pinned bits, and what is never pinned, rarity and
prior.
"""

from __future__ import annotations

import duckdb

from orchestration.identity.model import Model
from orchestration.identity.policy import Entity

# A name, number or place counts by how many others evidently bear it, not by how many records it has: twenty
# records of one company do not make its name common. Fewer than one other is never certain.
_UNSEEN_OTHERS = 0.05
_HOLDERS: dict[Entity, str] = {"account": "name", "person": "full_name"}
# A company has two towns or three numbers now and then, so those show fewer holders than they count.
_HOLDERS_OF_NAME = (
    "greatest(count(distinct domain), count(distinct tax_id), ceil(count(distinct postal_code) / 2),"
    " ceil(count(distinct city) / 2), ceil(count(distinct street) / 2), ceil(count(distinct phone) / 3))"
)


def score(con: duckdb.DuckDBPyConnection, kind: Entity, model: Model, pairs: str) -> None:
    """Temp table `scored`: every pair with its levels, `evidence` in bits, and `bits`, evidence and prior
    together.
    """
    _rarities(con, kind, model)
    evidence = " + ".join(model.bits_sql(c) for c in model.comparisons)
    con.execute(
        f"create or replace temp table scored as select *, evidence - strangers as bits from ("
        f" select pairs.*, {evidence} as evidence from {pairs} as pairs inner join rarities on pairs.a ="
        f" rarities.no)"
        f" cross join ({_strangers(kind)})"
    )


def _strangers(kind: Entity) -> str:
    """SQL of the bits against two records at random being one thing: one in all, more where exact keys alone
    show that records have many others.

    The mean is that of bits, so that one thing with a thousand records counts for no more than it is.
    """
    key, holders = {"account": ("name", _HOLDERS_OF_NAME), "person": ("email", "count(distinct full_name)")}[
        kind
    ]
    return (
        "select log2(records) - coalesce(gained, 0) / records as strangers"
        f" from (select greatest(count(*), 2) as records from {kind}_records) cross join ("
        "  select sum(cast(size * log2(greatest((size / greatest(holders, 1) - 1) / 2, 1))"
        "  as decimal(18, 6))) as gained"
        f"  from (select count(*) as size, {holders} as holders from {kind}_records"
        f"  where {key} is not null group by {key}))"
    )


def _rarities(con: duckdb.DuckDBPyConnection, kind: Entity, model: Model) -> None:
    """Temp table `rarities`: for every record, how likely a stranger shares each of its values."""
    records = f"{kind}_records"
    joins, columns = [], []
    for column in model.frequencies:
        table = f"rarity_of_{column}"
        con.execute(f"create or replace temp table {table} as {_rarity(kind, records, column)}")
        joins.append(f"left join {table} on records.{column} = {table}.value")
        columns.append(f"{table}.share as tf_{column}")
    con.execute(
        f"create or replace temp table rarities as select records.no, {', '.join(columns)}"
        f" from {records} as records {' '.join(joins)}"
    )


def _rarity(kind: Entity, records: str, column: str) -> str:
    total = f"(select greatest(count(*), 2) from {records})"
    others = f"greatest({{}} - 1, {_UNSEEN_OTHERS}) / {total}"
    if kind == "account" and column == "name":
        share = others.format(_HOLDERS_OF_NAME)
    elif column in ("given", "last_name", "city", "country"):
        share = f"count(*) / {total}"
    elif column == "full_name":
        return _rarity_of_full_name(records, total)
    else:
        share = others.format(f"count(distinct {_HOLDERS[kind]})")
    return (
        f"select {column} as value, {share} as share from {records}"
        f" where {column} is not null group by {column}"
    )


def _rarity_of_full_name(records: str, total: str) -> str:
    """As rare as chance has it, given both names, but not rarer than different employers show it to be.

    One person has changed jobs now and then: two employers show nothing.
    """

    def shares(column: str) -> str:
        return f"(select {column}, count(*) / {total} as share from {records} group by {column})"

    return (
        "select value,"
        f" greatest(givens.share * families.share, greatest(employers - 2, 0) / {total}) as share"
        " from (select full_name as value, any_value(given) as given, any_value(last_name) as last_name,"
        f" count(distinct company) as employers from {records}"
        " where full_name is not null group by full_name)"
        f" inner join {shares('given')} as givens using (given)"
        f" inner join {shares('last_name')} as families using (last_name)"
    )
