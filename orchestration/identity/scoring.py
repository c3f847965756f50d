"""How much the levels of a pair weigh among these records: pinned bits, and what is never pinned, rarity and prior."""

from __future__ import annotations

import duckdb

from orchestration.identity.model import Model
from orchestration.identity.policy import Entity

# A name, number or place counts by how many others evidently bear it, not by how many records it has: twenty records of one
# company do not make its name common. Fewer than one other is never certain.
_UNSEEN_OTHERS = 0.05
_HOLDERS: dict[Entity, str] = {"account": "name", "person": "full_name"}
_HOLDERS_OF_NAME = "greatest(count(distinct domain), count(distinct tax_id), count(distinct postal_code))"


def score(con: duckdb.DuckDBPyConnection, kind: Entity, model: Model, pairs: str) -> None:
    """Temp table `scored`: every pair with its levels, `evidence` in bits, and `bits`, evidence and prior together."""
    _rarities(con, kind, model)
    evidence = " + ".join(model.bits_sql(c) for c in model.comparisons)
    con.execute(
        f"create or replace temp table scored as select *, evidence - log2(records) as bits from ("
        f" select pairs.*, {evidence} as evidence from {pairs} as pairs inner join rarities on pairs.a = rarities.no)"
        f" cross join (select greatest(count(*), 2) as records from {kind}_records)"
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
    elif column in ("given", "last_name"):
        share = f"count(*) / {total}"
    elif column == "full_name":
        # by chance, or as far as different employers show it
        return (
            f"select value, greatest(givens.share * families.share, {others.format('employers')}) as share from ("
            f" select full_name as value, any_value(given) as given, any_value(last_name) as last_name,"
            f" count(distinct company) as employers from {records} where full_name is not null group by full_name)"
            f" inner join (select given, count(*) / {total} as share from {records} group by given) as givens using (given)"
            f" inner join (select last_name, count(*) / {total} as share from {records} group by last_name) as families"
            " using (last_name)"
        ).replace(f"greatest(employers - 1, {_UNSEEN_OTHERS})", "greatest(employers - 2, 0)")
    else:
        share = others.format(f"count(distinct {_HOLDERS[kind]})")
    return f"select {column} as value, {share} as share from {records} where {column} is not null group by {column}"
