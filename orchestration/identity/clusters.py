"""From edges to entities: connected components, and a guarded look at those that cannot be one thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

Ints = npt.NDArray[np.int64]

# Ranks of edges, most trusted first.
MUST_LINK, TAX_ID, LINKED, EXACT, SIMILAR, PROBABILISTIC = range(6)
LARGEST_CLUSTER = 1000


@dataclass(frozen=True)
class Nodes:
    """What can contradict itself inside one entity, as codes; 0 is 'not known'."""

    source: Ints
    only_one: Ints  # of which an entity has one: tax id
    place: Ints  # which place the name names; that it names none is a code, too
    anchor: Ints  # which an entity rarely has two of: corporate domain

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class Edges:
    """Edges between nodes, most trusted first: the order decides who is joined before whom."""

    a: Ints
    b: Ints
    rank: Ints

    def __len__(self) -> int:
        return len(self.a)


@dataclass(frozen=True)
class Clusters:
    """`label` of every node; `tree`, the positions of the edges that hold the entities together; `refused`,
    of those that the guard did not let join.
    """

    label: Ints
    tree: Ints
    refused: Ints


def cluster(nodes: Nodes, edges: Edges, forbidden: Iterable[tuple[int, int]] = ()) -> Clusters:
    """Components of the edges; where one contradicts itself, as much of it as does not."""
    size = len(nodes)
    apart: dict[int, set[int]] = defaultdict(set)
    for a, b in forbidden:
        apart[a].add(b)
        apart[b].add(a)
    label = _components(size, edges)
    suspicious = _suspicious(nodes, label, apart)
    inside = suspicious[label[edges.a]] if len(edges) else np.zeros(0, dtype=bool)
    tree, refused = _guarded(nodes, edges, np.flatnonzero(inside), apart)
    kept = np.sort(np.concatenate([np.flatnonzero(~inside), tree]))
    order = np.arange(1, len(kept) + 1)
    weights = coo_array((order, (edges.a[kept], edges.b[kept])), shape=(size, size)).tocsr()
    held = minimum_spanning_tree(weights).data.astype(np.int64) - 1
    tree = np.sort(kept[held])
    return Clusters(_components(size, Edges(edges.a[tree], edges.b[tree], edges.rank[tree])), tree, refused)


def with_must_links(edges: Edges, must: list[tuple[int, int]]) -> Edges:
    """The edges with must-links before all others; a pair that has one keeps no other edge."""
    if not must:
        return edges
    pairs = sorted({(min(a, b), max(a, b)) for a, b in must})
    a, b = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    size = int(max(edges.b.max(initial=0), b.max())) + 1
    rest = ~np.isin(edges.a * size + edges.b, a * size + b)
    return Edges(
        np.concatenate([a, edges.a[rest]]),
        np.concatenate([b, edges.b[rest]]),
        np.concatenate([np.zeros(len(a), dtype=np.int64), edges.rank[rest]]),
    )


def without_ambiguous(
    edges: Edges, bits: npt.NDArray[np.float64], anchored: npt.NDArray[np.bool_], margin: float
) -> tuple[Edges, Ints]:
    """Take the edges away from records that have no anchor and two candidates equally good; return those.

    Candidates that are themselves joined to each other are one candidate.
    """
    likely = edges.rank >= PROBABILISTIC
    if not likely.any():
        return edges, np.zeros((0, 2), dtype=np.int64)
    size = len(anchored)
    sure = Edges(edges.a[~likely], edges.b[~likely], edges.rank[~likely])
    entity = _components(size, sure)
    alone = np.bincount(entity, minlength=size)[entity] == 1
    a, b, weight = edges.a[likely], edges.b[likely], bits[likely]
    start, end, weight = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([weight, weight])
    asked = alone[start] & ~anchored[start]
    start, end, weight = start[asked], end[asked], weight[asked]
    target = entity[end]
    order = np.lexsort((end, -weight, start))
    start, end, weight, target = start[order], end[order], weight[order], target[order]
    # the best candidate of each record, and the best of another entity
    best = np.concatenate([[True], start[1:] != start[:-1]]) if len(start) else np.zeros(0, dtype=bool)
    group = np.cumsum(best) - 1
    best_target, best_end, best_weight = target[best][group], end[best][group], weight[best][group]
    left, right = np.minimum(entity[a], entity[b]), np.maximum(entity[a], entity[b])
    together = np.unique(left * size + right)
    same = np.minimum(target, best_target) * size + np.maximum(target, best_target)
    rival = (target != best_target) & (best_weight - weight < margin) & ~np.isin(same, together)
    unclear = np.zeros(size, dtype=bool)
    unclear[start[rival]] = True
    dropped = likely & (unclear[edges.a] | unclear[edges.b])
    looked_at = np.unique(np.stack([start[rival], best_end[rival]], axis=1), axis=0)
    return Edges(edges.a[~dropped], edges.b[~dropped], edges.rank[~dropped]), looked_at


def _components(size: int, edges: Edges) -> Ints:
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges.a, edges.b)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _suspicious(nodes: Nodes, label: Ints, apart: dict[int, set[int]]) -> npt.NDArray[np.bool_]:
    """Which components hold more than one of what there should be one of, or somebody's cannot_link."""
    count = int(label.max()) + 1 if len(label) else 0
    found = np.bincount(label, minlength=count) > LARGEST_CLUSTER
    for codes in (nodes.only_one, nodes.anchor, nodes.place):
        known = codes != 0
        pairs = np.unique(np.stack([label[known], codes[known]], axis=1), axis=0)
        found |= np.bincount(pairs[:, 0], minlength=count) > 1
    sources = np.unique(np.stack([label, nodes.source], axis=1), axis=0)
    found |= np.bincount(sources[:, 0], minlength=count) < np.bincount(label, minlength=count)
    for a, others in apart.items():
        found[label[a]] |= any(label[a] == label[b] for b in others)
    return found


class _Entity:
    """A part of a component while it grows."""

    __slots__ = ("anchors", "members", "only", "places", "sources")

    def __init__(self, node: int, nodes: Nodes) -> None:
        self.members = [node]
        self.sources = {int(nodes.source[node])}
        self.only = {int(nodes.only_one[node])} - {0}
        self.anchors = {int(nodes.anchor[node])} - {0}
        self.places = {int(nodes.place[node])} - {0}

    def absorb(self, other: _Entity) -> None:
        self.members += other.members
        self.sources |= other.sources
        self.only |= other.only
        self.anchors |= other.anchors
        self.places |= other.places


def _guarded(nodes: Nodes, edges: Edges, positions: Ints, apart: dict[int, set[int]]) -> tuple[Ints, Ints]:
    """Join along the edges, most trusted first, unless the entity would contradict itself."""
    entity: dict[int, _Entity] = {}
    tree: list[int] = []
    refused: list[int] = []
    for position in positions.tolist():
        a, b = int(edges.a[position]), int(edges.b[position])
        left = entity.setdefault(a, _Entity(a, nodes)) if a not in entity else entity[a]
        right = entity.setdefault(b, _Entity(b, nodes)) if b not in entity else entity[b]
        if left is right:
            continue
        if len(left.members) < len(right.members):
            left, right = right, left
        if not _compatible(nodes, left, right, a, b, int(edges.rank[position]), apart):
            refused.append(position)
            continue
        left.absorb(right)
        for node in right.members:
            entity[node] = left
        tree.append(position)
    return np.array(tree, dtype=np.int64), np.array(refused, dtype=np.int64)


def _compatible(
    nodes: Nodes, left: _Entity, right: _Entity, a: int, b: int, rank: int, apart: dict[int, set[int]]
) -> bool:
    if apart:
        others = set(right.members)
        if any(apart[node] & others for node in left.members if node in apart):
            return False
    if rank == MUST_LINK:
        return True
    if len(left.only | right.only) > 1 or len(left.members) + len(right.members) > LARGEST_CLUSTER:
        return False
    if rank == TAX_ID:
        return True
    if rank != LINKED:
        if len(left.places | right.places) > 1:
            return False
        # Two anchors meet only through records that both have one, and were compared on it.
        meet = nodes.anchor[a] != 0 and nodes.anchor[b] != 0
        if left.anchors and right.anchors and not left.anchors & right.anchors and not meet:
            return False
    # Two records of one system are one thing only if something says so of records of that system.
    if rank >= SIMILAR:
        return not (left.sources & right.sources) or nodes.source[a] == nodes.source[b]
    return True
