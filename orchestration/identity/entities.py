"""Ids that stay: an entity keeps the id under which most of its records were known before, and every change
is an event.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field

from orchestration.identity.policy import Entity, RecordKey

_PREFIX: dict[Entity, str] = {"account": "acc_", "person": "per_"}


def minted(kind: Entity, key: RecordKey, taken: Set[str] = frozenset()) -> str:
    """A new id, from the smallest record key of the entity; counted on where somebody has it already."""
    attempt = 0
    while True:
        parts = (kind, *key) if not attempt else (kind, *key, str(attempt))
        found = _PREFIX[kind] + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
        if found not in taken:
            return found
        attempt += 1


@dataclass(frozen=True)
class Event:
    """One change of an id: create, join, merge, split or redirect."""

    what: str
    id: str
    other_id: str | None = None
    key: RecordKey | None = None
    reason: str = ""


@dataclass
class History:
    """What was known before this run: the id of every record, all ids ever and those in use, from which id a
    merge brought a record into another, and which keys facts only pointed at, without a record.
    """

    member: dict[RecordKey, str] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)
    moved_from: dict[tuple[RecordKey, str], str] = field(default_factory=dict)
    bare: set[RecordKey] = field(default_factory=set)


@dataclass(frozen=True)
class Named:
    """The id of every cluster, and what changed."""

    ids: dict[int, str]
    events: list[Event]
    merged: int


def name_clusters(kind: Entity, changed: dict[int, list[RecordKey]], history: History) -> Named:
    """Ids for clusters whose records did not all carry one id before, or share it with another cluster."""
    first = {cluster: min(keys) for cluster, keys in changed.items()}
    ids: dict[int, str] = {}
    owner: dict[str, int] = {}

    def give(cluster: int, known: str) -> None:
        ids[cluster], owner[known] = known, cluster

    # What one merge brought in and is apart again goes back to the id it came from.
    for cluster in sorted(changed, key=lambda c: first[c]):
        origins = {
            history.moved_from.get((key, history.member[key]))
            for key in changed[cluster]
            if key in history.member
        }
        origin = origins.pop() if len(origins) == 1 else None
        if origin is not None and origin not in owner and origin not in history.live:
            give(cluster, origin)
    overlap = []
    for cluster, keys in changed.items():
        counts = Counter(history.member[key] for key in keys if key in history.member)
        records = Counter(
            history.member[key] for key in keys if key in history.member and key not in history.bare
        )
        overlap += [(-records[old], -count, old, first[cluster], cluster) for old, count in counts.items()]
    for _, _, old, _, cluster in sorted(overlap):
        if cluster not in ids and old not in owner:
            give(cluster, old)
    for cluster in sorted((c for c in changed if c not in ids), key=lambda c: first[c]):
        give(cluster, minted(kind, first[cluster], history.ids | owner.keys()))
    return Named(ids, *_events(changed, ids, owner, history))


def _events(
    changed: dict[int, list[RecordKey]], ids: dict[int, str], owner: dict[str, int], history: History
) -> tuple[list[Event], int]:
    events: list[Event] = []
    gone: dict[str, str] = {}
    for cluster, keys in sorted(changed.items(), key=lambda each: ids[each[0]]):
        own = ids[cluster]
        before = [key for key in keys if key in history.member]
        if own not in history.ids:
            origin = {history.member[key] for key in before}
            events.append(Event("create", own, reason=f"split off {min(origin)}" if origin else "first seen"))
        for key in sorted(keys):
            old = history.member.get(key)
            if old is None:
                if own in history.ids:
                    events.append(Event("join", own, key=key, reason="new record"))
            elif old != own:
                if old in owner:
                    events.append(Event("split", own, old, key, "no longer the same"))
                else:
                    gone[old] = own
                    events.append(Event("merge", own, old, key, "found to be the same"))
    events += [Event("redirect", old, new, reason="merged") for old, new in sorted(gone.items())]
    return events, len(gone)
