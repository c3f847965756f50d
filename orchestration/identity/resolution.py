"""Decides which records are one account or one person, and writes schema `identity` of the build file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from orchestration.errors import ConfigurationError
from orchestration.identity import candidates, clusters, edges, membership, model, records, review, scoring
from orchestration.identity.policy import Entity, Policy, RecordKey, load_policy
from orchestration.warehouse import attached, literal, open_build

KINDS: tuple[Entity, ...] = ("account", "person")
_SHAPE_VERSION = "2"


@dataclass(frozen=True)
class ResolveReport:
    """What one resolution did: records in, entities out, and how many records each method joined."""

    accounts: int
    account_records: int
    people: int
    person_records: int
    methods: dict[str, dict[str, int]]
    for_review: int


def resolve(
    build_file: Path,
    *,
    as_of: date,
    rules: Path,
    previous: Path | None = None,
    memory: Path | None = None,
    largest_merge: float,
) -> ResolveReport:
    """Write account_members, person_members, review_queue and events into schema `identity` of `build_file`.

    Reads schema `entry`. `rules` is the folder whose CSVs override the seeds; `previous` is the published
    file whose ids are kept; `memory` is a file that keeps what was compared, so that the next run compares
    only what changed: without it, or with an empty one, the result is the same. The same entry tables, rules,
    previous ids and as-of day give byte-equal tables. Raises ConfigurationError when overrides contradict
    each other, AuditFailed when more than the share `largest_merge` of the existing entities would be merged.
    """
    policy = load_policy(rules, as_of)
    con = open_build(build_file)
    try:
        con.execute("create schema if not exists identity")
        with _remembered(con, memory, policy), membership.previously(con, previous):
            records.define_macros(con)
            membership.create_tables(con)
            for kind in KINDS:
                _resolve(con, kind, policy, as_of, largest_merge)
            return _report(con)
    finally:
        con.close()


def _resolve(
    con: duckdb.DuckDBPyConnection, kind: Entity, policy: Policy, as_of: date, largest_merge: float
) -> None:
    weights = model.load(kind)
    records.read(con, kind, policy, "kept")
    if kind == "person":
        records.set_employers(con, "kept")
    con.execute(f"create or replace temp table dangling as {records.dangling_references(con, kind)}")
    edges.links(con, kind)
    candidates.compare(con, kind, weights, "kept")
    scoring.score(con, kind, weights, f"kept.{kind}_pairs")
    edges.decide(con, kind, weights)
    edges.joined(con, kind)
    must, cannot = _overrides(con, kind, policy)
    found, joins, ambiguous = _clustered(con, kind, must, cannot)
    membership.write(con, kind, weights, found, joins, as_of, largest_merge)
    review.collect(con, kind, weights, found, joins, ambiguous)


def _overrides(
    con: duckdb.DuckDBPyConnection, kind: Entity, policy: Policy
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """must_link and cannot_link as pairs of nodes."""
    keys = sorted({key for o in policy.overrides if o.kind == kind for key in (o.a, o.b)})
    node = _nodes_of(con, keys)
    root: dict[int, int] = {}

    def find(each: int) -> int:
        while root.get(each, each) != each:
            each = root[each]
        return each

    must = [(node[o.a], node[o.b], o) for o in policy.of(kind, "must_link") if o.a in node and o.b in node]
    cannot = [
        (node[o.a], node[o.b], o) for o in policy.of(kind, "cannot_link") if o.a in node and o.b in node
    ]
    for a, b, _ in must:
        root[find(a)] = find(b)
    for a, b, override in cannot:
        if find(a) == find(b):
            raise ConfigurationError(
                f"identity_overrides: {':'.join(override.a)} and {':'.join(override.b)} must be linked and"
                f" must not be;"
                " remove one of the rules on the way between them."
            )
    return [(a, b) for a, b, _ in must], [(a, b) for a, b, _ in cannot]


def _nodes_of(con: duckdb.DuckDBPyConnection, keys: list[RecordKey]) -> dict[RecordKey, int]:
    if not keys:
        return {}
    wanted = ", ".join(f"({literal(system)}, {literal(source_id)})" for system, source_id in keys)
    rows = con.execute(
        f"select source_system, source_id, node from nodes where (source_system, source_id) in ({wanted})"
    ).fetchall()
    return {(system, source_id): node for system, source_id, node in rows}


def _clustered(
    con: duckdb.DuckDBPyConnection, kind: Entity, must: list[tuple[int, int]], cannot: list[tuple[int, int]]
) -> tuple[clusters.Clusters, clusters.Edges, clusters.Ints]:
    # What an entity has one of, which place its name says, and what it rarely has two of.
    only_one, place, anchor = {
        "account": ("tax_id", "places", "domain"),
        "person": ("null", "null", "coalesce(national_id, case when work is not null then email end)"),
    }[kind]

    def code(value: str) -> str:
        return f"coalesce(cast(hash({value}) >> 1 as bigint), 0) * cast({value} is not null as bigint)"

    read = con.execute(
        f"select cast(dense_rank() over (order by source_system) as bigint) as source,"
        f" {code(only_one)} as only_one, {code(place)} as place, {code(anchor)} as anchor,"
        f" {'domain is not null or tax_id is not null' if kind == 'account' else 'email is not null'} as"
        f" anchored"
        f" from nodes left join {kind}_records as records using (no, source_system, source_id, tie) order"
        f" by node"
    ).fetchnumpy()
    nodes = clusters.Nodes(
        *(np.asarray(read[c], dtype=np.int64) for c in ("source", "only_one", "place", "anchor"))
    )
    found = con.execute("select a, b, rank, bits from joins order by rank, bits desc, a, b").fetchnumpy()
    joins = clusters.with_must_links(
        clusters.Edges(*(np.asarray(found[c], dtype=np.int64) for c in ("a", "b", "rank"))), must
    )
    bits = np.concatenate(
        [np.full(len(joins) - len(found["a"]), np.inf), np.ma.filled(found["bits"], np.inf)]
    )
    clear, ambiguous = clusters.without_ambiguous(
        joins, bits, np.asarray(read["anchored"], dtype=bool), edges.MARGIN
    )
    return clusters.cluster(nodes, clear, cannot), clear, ambiguous


@contextmanager
def _remembered(con: duckdb.DuckDBPyConnection, memory: Path | None, policy: Policy) -> Iterator[None]:
    """Attach what earlier runs compared as `kept`; forget it where code, weights or policy changed."""
    if memory is None:
        con.execute("attach ':memory:' as kept")
        opened = nullcontext()
    else:
        memory.parent.mkdir(parents=True, exist_ok=True)
        opened = attached(con, memory, "kept")  # type: ignore[assignment]
    with opened:
        version = "/".join(
            (
                _SHAPE_VERSION,
                duckdb.__version__,
                policy.fingerprint,
                *(model.load(kind).version for kind in KINDS),
            )
        )
        con.execute("create table if not exists kept.version (version varchar)")
        if con.execute("select version from kept.version").fetchall() != [(version,)]:
            for (table,) in con.execute(
                "select table_name from duckdb_tables() where database_name = 'kept' and table_name <>"
                " 'version'"
            ).fetchall():
                con.execute(f'drop table kept."{table}"')
        # An interrupted run leaves no version behind, and so nothing that the next one would trust.
        con.execute("delete from kept.version")
        yield
        con.execute("insert into kept.version values (?)", [version])


def _report(con: duckdb.DuckDBPyConnection) -> ResolveReport:
    counts: dict[str, tuple[int, int]] = {}
    methods: dict[str, dict[str, int]] = {}
    for kind in KINDS:
        table = f"identity.{kind}_members"
        ((entities, rows),) = con.execute(
            f"select count(distinct {kind}_id), count(*) from {table}"
        ).fetchall()
        counts[kind] = (entities, rows)
        methods[kind] = dict(
            con.execute(f"select match_method, count(*) from {table} group by 1 order by 1").fetchall()
        )
    ((for_review,),) = con.execute("select count(*) from identity.review_queue").fetchall()
    return ResolveReport(*counts["account"], *counts["person"], methods, for_review)
