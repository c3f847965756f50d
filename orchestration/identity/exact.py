"""Edges that need no weighing: overrides, tax ids, linked ids, corporate domains with compatible names,
e-mail.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from rapidfuzz.distance import JaroWinkler

from orchestration.identity.normalise import CompanyName
from orchestration.identity.policy import Entity, RecordKey

SIMILAR = 0.94
CONTRADICTS = 0.5
_LARGEST_BLOCK = 500


@dataclass(frozen=True)
class Record:
    """One record in the form in which it is compared; a dangling reference has a key and nothing else."""

    key: RecordKey
    is_reference: bool = False
    name: CompanyName | None = None
    domain: str | None = None
    tax_id: str | None = None
    email: str | None = None
    links: tuple[RecordKey, ...] = ()


@dataclass(frozen=True, order=True)
class Edge:
    """Why two records are one entity; a smaller `rank` is trusted earlier."""

    rank: int
    a: RecordKey
    b: RecordKey
    rule: str = field(compare=False)
    value: str = field(compare=False)
    within_source: bool = field(compare=False)


def similar(a: CompanyName | None, b: CompanyName | None) -> bool:
    """Whether two names can be one company's: same place, and close spelling or one the start of the
    other.
    """
    if a is None or b is None:
        return True
    if a.places != b.places:
        return False
    if a.core == b.core or JaroWinkler.similarity(a.core, b.core) >= SIMILAR:
        return True
    short, long = sorted((a.core, b.core), key=len)
    return len(short) >= 4 and (
        long.startswith(short + " ") or long.replace(" ", "") == short.replace(" ", "")
    )


def exact_edges(kind: Entity, records: list[Record]) -> list[Edge]:
    """All exact edges between the records, in the order in which they are trusted."""
    edges = [*_same_value(records, "tax_id", 1), *_linked(records)]
    if kind == "account":
        edges += _same_domain(records)
    else:
        edges += _same_value(records, "email", 3)
    return sorted(edges)


def _same_value(records: list[Record], rule: str, rank: int) -> list[Edge]:
    blocks: dict[str, list[RecordKey]] = defaultdict(list)
    for record in records:
        value = getattr(record, rule)
        if value:
            blocks[value].append(record.key)
    return [
        Edge(rank, min(keys), key, rule, value, True)
        for value, keys in blocks.items()
        for key in keys
        if key != min(keys)
    ]


def _linked(records: list[Record]) -> list[Edge]:
    known = {record.key: record for record in records}
    edges: list[Edge] = []
    naming: dict[RecordKey, list[RecordKey]] = defaultdict(list)
    for record in records:
        for target in record.links:
            if target != record.key:
                naming[target].append(record.key)
    for target, keys in naming.items():
        first = target if target in known else min(keys)
        for key in sorted(set(keys)):
            if key != first and not _contradicted(known[first], known[key]):
                a, b = sorted((first, key))
                edges.append(Edge(2, a, b, "linked_ids", f"{target[0]}:{target[1]}", True))
    return edges


def _contradicted(a: Record, b: Record) -> bool:
    if a.name is None or b.name is None or a.domain is None or b.domain is None or a.domain == b.domain:
        return False
    return JaroWinkler.similarity(a.name.core, b.name.core) < CONTRADICTS


def _same_domain(records: list[Record]) -> list[Edge]:
    blocks: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.domain:
            blocks[record.domain].append(record)
    edges: list[Edge] = []
    for domain, members in blocks.items():
        by_name: dict[CompanyName | None, list[Record]] = defaultdict(list)
        for record in sorted(members, key=lambda r: r.key):
            by_name[record.name].append(record)
        for name, group in by_name.items():
            edges += [
                Edge(3, group[0].key, other.key, "domain_and_name", domain, name is not None)
                for other in group[1:]
            ]
        firsts = [group[0] for group in by_name.values()][:_LARGEST_BLOCK]
        for i, left in enumerate(firsts):
            for right in firsts[i + 1 :]:
                if similar(left.name, right.name):
                    a, b = sorted((left.key, right.key))
                    edges.append(Edge(4, a, b, "domain_and_similar_name", domain, False))
    return edges
