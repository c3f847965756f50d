"""Writes who belongs to what: members with their evidence, ids that stay, and every change of an id."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from orchestration.errors import AuditFailed
from orchestration.identity.clusters import Clusters, Edges
from orchestration.identity.comparisons import COMPARISONS
from orchestration.identity.entities import Event, History, name_clusters
from orchestration.identity.model import Model
from orchestration.identity.policy import Entity, RecordKey
from orchestration.warehouse import attached

# So many merges are news, however few entities there are.
_FEW = 10
_EDGES_SHOWN = 10

_TABLES = """
create or replace table identity.account_members (
    source_system varchar not null, source_id varchar not null, account_id varchar not null,
    match_method varchar not null, match_weight double, evidence json);
create or replace table identity.person_members (
    source_system varchar not null, source_id varchar not null, person_id varchar not null,
    match_method varchar not null, match_weight double, evidence json);
create or replace table identity.review_queue (
    pair_id varchar not null, kind varchar not null, source_system_a varchar, source_id_a varchar,
    source_system_b varchar, source_id_b varchar, match_weight double, reason varchar,
    amount_at_stake decimal(38, 6), evidence json);
create or replace table identity.events (
    event_id varchar not null, occurred_on date not null, kind varchar not null, entity varchar not null,
    id varchar not null, other_id varchar, source_system varchar, source_id varchar, reason varchar);
"""


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """The four tables, empty."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            con.execute(statement)


@contextmanager
def previously(con: duckdb.DuckDBPyConnection, previous: Path | None) -> Iterator[None]:
    """Temp tables of what was published before: `past_account`, `past_person`, `past_events`; empty without a
    past.
    """
    con.execute(
        "create or replace temp table past_account (source_system varchar, source_id varchar, id varchar,"
        " is_record boolean);"
        "create or replace temp table past_person as from past_account;"
        "create or replace temp table past_events (event_id varchar, occurred_on date, kind varchar, entity"
        " varchar,"
        " id varchar, other_id varchar, source_system varchar, source_id varchar, reason varchar)"
    )
    if previous is not None:
        with attached(con, previous, "past", read_only=True):
            tables = {
                row[0]
                for row in con.execute(
                    "select table_name from duckdb_tables() where database_name = 'past' and schema_name ="
                    " 'identity'"
                ).fetchall()
            }
            for kind in ("account", "person"):
                if f"{kind}_members" in tables:
                    con.execute(
                        f"insert into past_{kind} select source_system, source_id, {kind}_id,"
                        f" match_method <> 'reference' from past.identity.{kind}_members"
                    )
            if "events" in tables:
                con.execute("insert into past_events select * from past.identity.events")
    yield


def write(
    con: duckdb.DuckDBPyConnection,
    kind: Entity,
    model: Model,
    found: Clusters,
    joins: Edges,
    as_of: date,
    largest_merge: float,
) -> None:
    """Members and events of one kind; temp table `<kind>_entities` says who belongs to what."""
    _register(con, "labels", {"node": range(len(found.label)), "cluster": found.label})
    con.execute(
        "create or replace temp table clustered as select nodes.*, labels.cluster from nodes inner join"
        " labels using (node)"
    )
    events = _name(con, kind, largest_merge)
    con.execute(
        f"create or replace temp table {kind}_entities as select source_system, source_id, id as entity,"
        f" node, cluster"
        " from clustered inner join named_clusters using (cluster)"
    )
    tree = found.tree
    _register(con, "tree", {"a": joins.a[tree], "b": joins.b[tree], "rank": joins.rank[tree]})
    con.execute(f"create or replace temp table explained as {explanation(kind, model, 'tree')}")
    con.execute(
        f"insert into identity.{kind}_members"
        " with ends as (select a as node, * from explained union all select b as node, * from explained),"
        " chosen as (select *, row_number() over (partition by node order by rank, bits desc, a, b) as"
        " place from ends),"
        " why as (select node, min(rank) as rank, max(case when place = 1 then bits end) as bits,"
        f" '[' || string_agg(case when place <= {_EDGES_SHOWN} then evidence end, ', ' order by place) ||"
        f" ']' as evidence"
        "  from chosen group by node)"
        " select entities.source_system, entities.source_id, entities.entity,"
        " case when nodes.no is null then 'reference' when why.node is null then 'single' when why.rank = 0"
        " then 'override'"
        "  when why.rank = 5 then 'probabilistic' else 'deterministic' end,"
        " why.bits, coalesce(why.evidence, '[]')"
        f" from {kind}_entities as entities inner join nodes using (node) left join why using (node)"
        " order by entities.source_system, entities.source_id"
    )
    _write_events(con, kind, events, as_of)


def explanation(kind: Entity, model: Model, pairs: str) -> str:
    """SQL of the pairs of nodes in a table (a, b, rank), each with rule, bits and evidence as JSON text.

    The bits of the fields and of the prior add up to the bits of the pair.
    """
    fields = []
    for comparison in COMPARISONS[kind]:
        name = comparison.name
        levels = " ".join(f"when {n} then '{w.name}'" for n, w in enumerate(model.comparisons[name]))
        shown = {
            side: "concat_ws(' | ', " + ", ".join(f"{side}.{column}" for column in comparison.shows) + ")"
            for side in ("l", "r")
        }
        fields.append(
            f"{{'field': '{name}', 'level': case decided.{name} {levels} end,"
            f" 'value_a': {shown['l']}, 'value_b': {shown['r']},"
            f" 'bits': {model.bits_sql(name).replace(f'case {name}', f'case decided.{name}')}}}"
        )
    return (
        f"select pairs.a, pairs.b, pairs.rank, joins.bits, case when pairs.rank = 0 then 'must_link' else"
        " coalesce(decided.rule, joins.rule) end as rule,"
        " to_json({'rule': case when pairs.rank = 0 then 'must_link' else coalesce(joins.rule,"
        " decided.rule) end,"
        " 'a': x.source_system || ':' || x.source_id, 'b': y.source_system || ':' || y.source_id,"
        " 'bits': decided.sure, 'prior': decided.bits - decided.evidence, 'within_system': decided.sure -"
        " decided.bits,"
        f" 'fields': list_filter([{', '.join(fields)}], lambda f: decided.a is not null and f.level is not"
        f" null)}}) as evidence"
        f" from {pairs} as pairs inner join nodes as x on pairs.a = x.node inner join nodes as y on pairs.b"
        f" = y.node"
        " left join joins on pairs.a = joins.a and pairs.b = joins.b"
        " left join decided on decided.a = least(x.no, y.no) and decided.b = greatest(x.no, y.no)"
        f" left join {kind}_records as l on l.no = x.no left join {kind}_records as r on r.no = y.no"
        " left join rarities on rarities.no = decided.a"
    )


def _name(con: duckdb.DuckDBPyConnection, kind: Entity, largest_merge: float) -> list[Event]:
    """Temp table `named_clusters` (cluster, id), and what changed."""
    prefix = "acc_" if kind == "account" else "per_"
    ((known,),) = con.execute(f"select count(*) from past_{kind}").fetchall()
    con.execute(
        "create or replace temp table firsts as select cluster, source_system, source_id from clustered"
        " qualify row_number() over (partition by cluster order by source_system, source_id) = 1"
    )
    if not known:
        con.execute(
            f"create or replace temp table named_clusters as select cluster, '{prefix}' || left(sha256("
            f"'{kind}' || chr(31) || source_system || chr(31) || source_id), 16) as id from firsts"
        )
        ((double,),) = con.execute("select count(*) - count(distinct id) from named_clusters").fetchall()
        if not double:
            ids = con.execute("select id from named_clusters order by id").fetchall()
            return [Event("create", id, reason="first seen") for (id,) in ids]
    con.execute(
        "create or replace temp table kinship as select clustered.cluster, past.id, count(*) as records"
        f" from clustered left join past_{kind} as past using (source_system, source_id) group by"
        f" clustered.cluster, past.id"
    )
    con.execute(
        "create or replace temp table unchanged as"
        " select cluster, id from kinship where id is not null"
        " and cluster not in (select cluster from kinship group by cluster having count(*) > 1)"
        " and id not in (select id from kinship where id is not null group by id having count(*) > 1)"
    )
    rows = con.execute(
        "select source_system, source_id, cluster, past.id, past.is_record from clustered"
        " anti join unchanged using (cluster)"
        f" left join past_{kind} as past using (source_system, source_id) order by 1, 2"
    ).fetchall()
    changed: dict[int, list[RecordKey]] = defaultdict(list)
    member: dict[RecordKey, str] = {}
    bare: set[RecordKey] = set()
    for system, source_id, cluster, old, was_record in rows:
        changed[cluster].append((system, source_id))
        if old is not None:
            member[system, source_id] = old
            if not was_record:
                bare.add((system, source_id))
    live = {row[0] for row in con.execute(f"select distinct id from past_{kind}").fetchall()}
    ever = live | {
        row[0]
        for row in con.execute("select distinct id from past_events where entity = ?", [kind]).fetchall()
    }
    moved: dict[tuple[RecordKey, str], str] = {}
    for system, source_id, survivor, retired in con.execute(
        "select source_system, source_id, id, other_id from past_events"
        " where entity = ? and kind = 'merge' order by occurred_on, event_id",
        [kind],
    ).fetchall():
        moved[(system, source_id), survivor] = retired
    named = name_clusters(kind, changed, History(member, ever, live, moved, bare))
    _refuse_landslide(con, kind, named.merged, len(live), largest_merge)
    _register(con, "renamed", {"cluster": list(named.ids), "id": list(named.ids.values())})
    con.execute(
        "create or replace temp table named_clusters as select cluster, id from unchanged union all select"
        " * from renamed"
    )
    return named.events


def _refuse_landslide(
    con: duckdb.DuckDBPyConnection, kind: Entity, merged: int, existing: int, largest_merge: float
) -> None:
    """A circuit breaker: a run that merges many entities is a mistake in data or rules, not news; only a
    system that was not there before may bring together what was apart.
    """
    if merged <= max(_FEW, largest_merge * existing):
        return
    ((new_systems,),) = con.execute(
        "select count(distinct source_system) from clustered"
        f" where source_system not in (select source_system from past_{kind})"
    ).fetchall()
    if new_systems:
        return
    raise AuditFailed(
        f"This run would merge {merged:,} of {existing:,} known {kind} entities, more than"
        f" {largest_merge:.1%}; look at what"
        " changed in the sources, or allow it with identity.largest_merge in revops.yml."
    )


def _write_events(con: duckdb.DuckDBPyConnection, kind: Entity, events: list[Event], as_of: date) -> None:
    """Everything that ever happened, then what happened now."""
    con.execute("insert into identity.events select * from past_events where entity = ?", [kind])
    if not events:
        return
    seen: Counter[tuple[str | None, ...]] = Counter()
    if any(event.what != "create" for event in events):
        for row in con.execute(
            "select kind, id, other_id, source_system, source_id from past_events where entity = ?", [kind]
        ).fetchall():
            seen[row] += 1
    rows = []
    for event in events:
        system, source_id = event.key or (None, None)
        said = (event.what, event.id, event.other_id, system, source_id)
        text = "\x1f".join((kind, *(part or "" for part in said), str(seen[said])))
        seen[said] += 1
        event_id = "evt_" + hashlib.sha256(text.encode()).hexdigest()[:16]
        rows.append((event_id, event.what, event.id, event.other_id, system, source_id, event.reason))
    names = ("event_id", "kind", "id", "other_id", "source_system", "source_id", "reason")
    columns = zip(*rows, strict=True)
    con.register(
        "identity_batch", pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})
    )
    con.execute(
        "insert into identity.events select event_id, ?, kind, ?, id, other_id, source_system, source_id,"
        " reason"
        " from identity_batch",
        [as_of, kind],
    )
    con.unregister("identity_batch")


def _register(con: duckdb.DuckDBPyConnection, name: str, columns: dict[str, object]) -> None:
    types = {"id": pa.string()}
    batch = pa.table({c: pa.array(values, types.get(c, pa.int64())) for c, values in columns.items()})
    con.register("identity_batch", batch)
    con.execute(f"create or replace temp table {name} as select * from identity_batch")
    con.unregister("identity_batch")
