"""What a person should look at: per entity the one best candidate that was not joined, most revenue first."""

from __future__ import annotations

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from orchestration.identity.clusters import Clusters, Edges, Ints
from orchestration.identity.membership import explanation
from orchestration.identity.model import Model
from orchestration.identity.policy import Entity
from orchestration.identity.records import columns_of

LARGEST_QUEUE = 500

_MONEY: dict[Entity, tuple[tuple[str, str, str], ...]] = {
    "account": (
        ("opportunities", "account_source_id", "amount"),
        ("contracts", "account_source_id", "annual_recurring_amount"),
    ),
    "person": (("opportunities", "person_source_id", "amount"),),
}


def collect(
    con: duckdb.DuckDBPyConnection,
    kind: Entity,
    model: Model,
    found: Clusters,
    joins: Edges,
    ambiguous: Ints,
) -> None:
    """Add the candidates of one kind to the queue."""
    refused = found.refused
    batch = pa.table(
        {
            "a": pa.array([*ambiguous[:, 0].tolist(), *joins.a[refused].tolist()], pa.int64()),
            "b": pa.array([*ambiguous[:, 1].tolist(), *joins.b[refused].tolist()], pa.int64()),
            "reason": pa.array(
                ["two candidates are equally good"] * len(ambiguous)
                + ["would join what contradicts itself"] * len(refused),
                pa.string(),
            ),
        }
    )
    con.register("identity_batch", batch)
    con.execute(
        "create or replace temp table doubtful as"
        " with pairs as ("
        " select least(a, b) as a, greatest(a, b) as b, reason, cast(null as double) as bits from"
        " identity_batch union all"
        " select least(l.node, r.node), greatest(l.node, r.node), coalesce(decided.veto,"
        "  case when decided.is_linked then 'linked by id, but nothing else agrees' else 'not sure enough'"
        " end), decided.sure"
        " from decided inner join nodes as l on decided.a = l.no inner join nodes as r on decided.b = r.no"
        " where decided.rank = 9 and not coalesce(decided.veto, '') in ('another place in the name',"
        " 'different tax ids')),"
        " apart as (select pairs.*, x.cluster as left_cluster, y.cluster as right_cluster from pairs"
        f" inner join {kind}_entities as x on pairs.a = x.node inner join {kind}_entities as y on pairs.b ="
        f" y.node"
        "  where x.cluster <> y.cluster),"
        " best as (select *, row_number() over (partition by least(left_cluster, right_cluster),"
        "  greatest(left_cluster, right_cluster) order by bits desc nulls last, a, b) as choice from apart),"
        " sides as (select left_cluster as cluster, * exclude (choice) from best where choice = 1 union all"
        "  select right_cluster as cluster, * exclude (choice) from best where choice = 1)"
        " select distinct a, b, reason, bits, 9 as rank, left_cluster, right_cluster from sides"
        " qualify row_number() over (partition by cluster order by bits desc nulls last, a, b) = 1"
    )
    con.unregister("identity_batch")
    con.execute(f"create or replace temp table money as {_money(con, kind)}")
    con.execute(
        "create or replace temp table ranked as select doubtful.*,"
        " coalesce(x.amount, 0) + coalesce(y.amount, 0) as amount_at_stake from doubtful"
        " left join money as x on doubtful.left_cluster = x.cluster"
        " left join money as y on doubtful.right_cluster = y.cluster"
        " order by amount_at_stake * (1 - abs(2 / (1 + pow(2, -coalesce(bits, 0))) - 1)) desc,"
        " amount_at_stake desc, a, b"
        f" limit {LARGEST_QUEUE}"
    )
    con.execute(
        "insert into identity.review_queue"
        f" select 'pair_' || left(sha256('{kind}' || chr(31) || x.source_system || chr(31) || x.source_id"
        f" || chr(31)"
        " || y.source_system || chr(31) || y.source_id), 16),"
        f" '{kind}', x.source_system, x.source_id, y.source_system, y.source_id, ranked.bits, ranked.reason,"
        " ranked.amount_at_stake, why.evidence"
        f" from ranked inner join ({explanation(kind, model, 'ranked')}) as why using (a, b)"
        " inner join nodes as x on ranked.a = x.node inner join nodes as y on ranked.b = y.node"
        " order by ranked.amount_at_stake desc, 1"
    )


def _money(con: duckdb.DuckDBPyConnection, kind: Entity) -> str:
    parts = [
        f"select source_system, {reference} as source_id, cast({amount} as decimal(38, 6)) as amount from"
        f" entry.{table}"
        for table, reference, amount in _MONEY[kind]
        if {"source_system", reference, amount} <= columns_of(con, "entry", table)
    ] or [
        "select null::varchar as source_system, null::varchar as source_id, null::decimal(38, 6) as amount"
        " where false"
    ]
    return (
        f"select entities.cluster, sum(amount) as amount from ({' union all '.join(parts)})"
        f" inner join {kind}_entities as entities using (source_system, source_id) group by entities.cluster"
    )
