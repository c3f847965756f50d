"""Decides which records are one account or one person, and writes schema `identity` of the build file."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import ConfigurationError
from orchestration.identity.exact import Edge, Record, exact_edges
from orchestration.identity.normalise import company_name, domain_class, email_address, registrable_domain
from orchestration.identity.policy import Entity, Policy, RecordKey, load_policy
from orchestration.identity.records import columns_of, dangling_references, entry_table, linked_keys
from orchestration.warehouse import open_build

_PREFIX: dict[Entity, str] = {"account": "acc_", "person": "per_"}


@dataclass(frozen=True)
class ResolveReport:
    """What one resolution did: records in, entities out, and how many records each method joined."""

    accounts: int
    account_records: int
    people: int
    person_records: int
    methods: dict[str, dict[str, int]]
    for_review: int


@dataclass(frozen=True)
class _Member:
    key: RecordKey
    entity: str
    method: str
    weight: float | None
    evidence: str


def resolve(build_file: Path, *, as_of: date, rules: Path, previous: Path | None = None) -> ResolveReport:
    """Write account_members, person_members, review_queue and events into schema `identity` of `build_file`.

    Reads schema `entry`. `rules` is the folder whose CSVs override the seeds; `previous` is the published
    file whose ids are kept. The same entry tables, rules and as-of day give byte-equal tables.
    Raises ConfigurationError when overrides contradict each other.
    """
    policy = load_policy(rules, as_of)
    con = open_build(build_file)
    try:
        members: dict[Entity, list[_Member]] = {}
        for kind in ("account", "person"):
            members[kind] = _members(kind, _records(con, kind, policy), policy)
        con.execute("begin transaction")
        _write(con, members, as_of)
        con.execute("commit")
    finally:
        con.close()
    return ResolveReport(
        accounts=len({m.entity for m in members["account"]}),
        account_records=len(members["account"]),
        people=len({m.entity for m in members["person"]}),
        person_records=len(members["person"]),
        methods={
            kind: dict(sorted(Counter(m.method for m in found).items())) for kind, found in members.items()
        },
        for_review=0,
    )


def _records(con: duckdb.DuckDBPyConnection, kind: Entity, policy: Policy) -> list[Record]:
    table = entry_table(kind)
    have = columns_of(con, "entry", table)
    wanted = ("source_system", "source_id", "linked_ids", "name", "website_domain", "tax_id", "email")
    chosen = ", ".join(f'"{c}"' if c in have else f'null as "{c}"' for c in wanted)
    rows = con.execute(f"select {chosen} from entry.{table}").fetchall() if have else []
    records = [_record(kind, dict(zip(wanted, row, strict=True)), policy) for row in rows]
    records += [Record(key, is_reference=True) for key in dangling_references(con, kind)]
    return sorted(records, key=lambda r: r.key)


def _record(kind: Entity, row: dict[str, Any], policy: Policy) -> Record:
    key = (row["source_system"], row["source_id"])
    links = tuple(linked_keys(row["linked_ids"]))
    if kind == "person":
        email = email_address(row["email"], policy.domain_alias)
        return Record(key, links=links, email=None if email is None or email.is_role else email.address)
    domain = registrable_domain(row["website_domain"], policy.domain_alias)
    if domain is not None and domain_class(domain, policy.domain_class) != "corporate":
        domain = None
    tax_id = "".join(c for c in (row["tax_id"] or "").upper() if c.isalnum()) or None
    return Record(key, name=company_name(row["name"]), domain=domain, tax_id=tax_id, links=links)


class _Components:
    """Union-find that refuses a union which would break a cannot_link or join one source's records
    unasked.
    """

    def __init__(self, records: Iterable[Record], forbidden: dict[RecordKey, set[RecordKey]]) -> None:
        self.parent = {record.key: record.key for record in records}
        self.members: dict[RecordKey, list[RecordKey]] = {key: [key] for key in self.parent}
        self.forbidden = forbidden

    def find(self, key: RecordKey) -> RecordKey:
        while self.parent[key] != key:
            self.parent[key] = self.parent[self.parent[key]]
            key = self.parent[key]
        return key

    def join(self, a: RecordKey, b: RecordKey, *, across_sources: bool, override: bool = False) -> bool:
        """Whether a and b are one component afterwards."""
        left, right = sorted((self.find(a), self.find(b)))
        if left == right:
            return True
        ours, theirs = self.members[left], self.members[right]
        others = set(theirs)
        if any(self.forbidden.get(key, set()) & others for key in ours):
            return False
        if across_sources and not override and {s for s, _ in ours} & {s for s, _ in theirs}:
            return False
        self.parent[right] = left
        self.members[left] = ours + theirs
        del self.members[right]
        return True


def _members(kind: Entity, records: list[Record], policy: Policy) -> list[_Member]:
    known = {record.key for record in records}
    forbidden: dict[RecordKey, set[RecordKey]] = defaultdict(set)
    for o in policy.of(kind, "cannot_link"):
        forbidden[o.a].add(o.b)
        forbidden[o.b].add(o.a)
    components = _Components(records, forbidden)
    why: dict[RecordKey, list[Edge]] = defaultdict(list)
    for o in policy.of(kind, "must_link"):
        if o.a not in known or o.b not in known:
            continue
        if not components.join(o.a, o.b, across_sources=False, override=True):
            raise ConfigurationError(
                f"identity_overrides: {':'.join(o.a)} and {':'.join(o.b)} must be linked and must not be;"
                " remove one of the rules on the way between them."
            )
        edge = Edge(0, o.a, o.b, "must_link", o.reason, True)
        why[o.a].append(edge)
        why[o.b].append(edge)
    for edge in exact_edges(kind, records):
        if components.join(edge.a, edge.b, across_sources=kind == "account" and not edge.within_source):
            why[edge.a].append(edge)
            why[edge.b].append(edge)
    found: list[_Member] = []
    for keys in components.members.values():
        entity = entity_id(kind, min(keys))
        for key in keys:
            found.append(_Member(key, entity, *_method(why[key])))
    references = {record.key for record in records if record.is_reference}
    return sorted(
        (
            _Member(m.key, m.entity, "reference" if m.key in references else m.method, m.weight, m.evidence)
            for m in found
        ),
        key=lambda m: m.key,
    )


def _method(edges: list[Edge]) -> tuple[str, float | None, str]:
    if not edges:
        return "single", None, "[]"
    method = "override" if any(e.rule == "must_link" for e in edges) else "deterministic"
    evidence = [
        {"rule": e.rule, "value": e.value, "a": ":".join(e.a), "b": ":".join(e.b)} for e in sorted(edges)
    ]
    return method, None, json.dumps(evidence, ensure_ascii=False, sort_keys=True)


def entity_id(kind: Entity, key: RecordKey) -> str:
    """The id minted for an entity whose smallest record key is `key`."""
    digest = hashlib.sha256("\x1f".join((kind, *key)).encode()).hexdigest()
    return _PREFIX[kind] + digest[:16]


_TABLES = """
create schema if not exists identity;
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


def _write(con: duckdb.DuckDBPyConnection, members: dict[Entity, list[_Member]], as_of: date) -> None:
    for statement in _TABLES.split(";"):
        if statement.strip():
            con.execute(statement)
    for kind, found in members.items():
        rows = [(*m.key, m.entity, m.method, m.weight, m.evidence) for m in found]
        _insert(con, f"identity.{kind}_members", rows)
        created = sorted({m.entity for m in found})
        events = [
            (_event_id("create", kind, entity), as_of, "create", kind, entity, None, None, None, "first seen")
            for entity in created
        ]
        _insert(con, "identity.events", events)


def _event_id(*parts: str) -> str:
    return "evt_" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    import pyarrow as pa  # type: ignore[import-untyped]

    names = [d[0] for d in con.execute(f"select * from {table} limit 0").description or []]
    columns = list(zip(*rows, strict=True))
    batch = pa.table({name: pa.array(column) for name, column in zip(names, columns, strict=True)})
    con.register("identity_rows", batch)
    con.execute(f"insert into {table} select * from identity_rows")
    con.unregister("identity_rows")
