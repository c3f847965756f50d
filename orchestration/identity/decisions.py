"""What a person decides about identity, and what they need to see for it: explain a record, review
candidates, undo an event.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.errors import ConfigurationError
from orchestration.identity.policy import OVERRIDE_COLUMNS, RecordKey, rule_file

KINDS = ("account", "person")


@dataclass(frozen=True)
class Explanation:
    """Which entity a record belongs to, with whom, and the edges on the way from it to every other record."""

    kind: str
    entity: str
    method: str
    members: list[RecordKey]
    path: list[dict[str, Any]]
    events: list[dict[str, Any]]


def record_key(text: str) -> RecordKey:
    """system:id as people write it."""
    system, colon, source_id = text.partition(":")
    if not colon or not system or not source_id:
        raise ConfigurationError(f"'{text}' names no record; write system:id, such as crm:0015g00000XyZ.")
    return system, source_id


def explain(con: duckdb.DuckDBPyConnection, key: RecordKey) -> list[Explanation]:
    """Why a record belongs to its entity; one answer per kind of record that has this key."""
    found = []
    for kind in KINDS:
        rows = con.execute(
            f"select {kind}_id, match_method from identity.{kind}_members where source_system = ? and"
            f" source_id = ?",
            key,
        ).fetchall()
        for entity, method in rows:
            members = con.execute(
                f"select source_system, source_id, cast(evidence as varchar) from identity.{kind}_members"
                f" where {kind}_id = ? order by 1, 2",
                [entity],
            ).fetchall()
            edges = {
                (edge["a"], edge["b"]): edge
                for *_, evidence in members
                for edge in json.loads(evidence or "[]")
            }
            events = con.execute(
                "select event_id, occurred_on, kind, id, other_id, source_system, source_id, reason from"
                " identity.events"
                " where entity = ? and (id = ? or other_id = ?) order by occurred_on, event_id",
                [kind, entity, entity],
            )
            names = [column[0] for column in events.description or []]
            found.append(
                Explanation(
                    kind,
                    entity,
                    method,
                    [(system, source_id) for system, source_id, _ in members],
                    list(_outwards(":".join(key), edges.values())),
                    [dict(zip(names, row, strict=True)) for row in events.fetchall()],
                )
            )
    return found


def _outwards(start: str, edges: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Every edge once, those nearest to the record first."""
    touching: dict[str, list[dict[str, Any]]] = {}
    for edge in sorted(edges, key=lambda each: (each["a"], each["b"])):
        touching.setdefault(edge["a"], []).append(edge)
        touching.setdefault(edge["b"], []).append(edge)
    seen, waiting, said = {start}, deque([start]), set()
    while waiting:
        here = waiting.popleft()
        for edge in touching.get(here, ()):
            if (edge["a"], edge["b"]) not in said:
                said.add((edge["a"], edge["b"]))
                yield edge
            for end in (edge["a"], edge["b"]):
                if end not in seen:
                    seen.add(end)
                    waiting.append(end)


def undo(con: duckdb.DuckDBPyConnection, event_id: str, actor: str, today: date) -> list[dict[str, str]]:
    """The overrides that take a merge, join or split back; the next run restores the ids from before.

    Raises ConfigurationError for an event that does not exist or changed no membership.
    """
    rows = con.execute(
        "select kind, entity, id, other_id, source_system, source_id, occurred_on from identity.events"
        " where event_id = ?",
        [event_id],
    ).fetchall()
    if not rows:
        raise ConfigurationError(
            f"There is no event {event_id}; `revops identity explain` lists those of a record."
        )
    what, kind, entity, other, system, source_id, on = rows[0]
    if what == "redirect":
        entity, other = other, entity
    if what not in ("merge", "join", "split", "redirect"):
        raise ConfigurationError(
            f"{event_id} is a {what}; only a merge, join, split or redirect can be undone."
        )
    if what == "join":
        moved = [(system, source_id)]
    else:
        moved = con.execute(
            "select source_system, source_id from identity.events where entity = ? and id = ? and other_id"
            " = ?"
            " and kind = ? and occurred_on = ? order by 1, 2",
            [kind, entity, other, "split" if what == "split" else "merge", on],
        ).fetchall()
    keeper = other if what == "split" else entity
    rest = [
        key
        for key in con.execute(
            f"select source_system, source_id from identity.{kind}_members where {kind}_id = ? order by 1, 2",
            [keeper],
        ).fetchall()
        if key not in moved
    ]
    if not moved or not rest:
        raise ConfigurationError(
            f"{event_id} left nothing to undo: one of the two sides has no record any more."
        )

    def override(action: str, a: RecordKey, b: RecordKey) -> dict[str, str]:
        values = (action, kind, *a, *b, actor, f"undo {event_id}", today.isoformat())
        return dict(zip(OVERRIDE_COLUMNS, values, strict=True))

    if what == "split":
        return [override("must_link", moved[0], rest[0])]
    # Each side stays together, and the two sides apart.
    made = [override("must_link", side[0], each) for side in (moved, rest) for each in side[1:]]
    return [*made, override("cannot_link", moved[0], rest[0])]


def append_overrides(rules: Path, rows: Iterable[Mapping[str, str]]) -> tuple[Path, int]:
    """Add overrides to the rules folder's identity_overrides.csv; those that stand there already are left
    out.
    """
    path = rules / "identity_overrides.csv"
    source = rule_file(rules, "identity_overrides")
    with source.open(newline="", encoding="utf-8-sig") as file:
        present = [{c: row.get(c) or "" for c in OVERRIDE_COLUMNS} for row in csv.DictReader(file)]
    known = {tuple(row[c] for c in OVERRIDE_COLUMNS[:6]) for row in present}
    new = [dict(row) for row in rows if tuple(row[c] for c in OVERRIDE_COLUMNS[:6]) not in known]
    rules.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, OVERRIDE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*present, *new])
    draft.replace(path)
    return path, len(new)


def queue(con: duckdb.DuckDBPyConnection, limit: int | None = None) -> list[dict[str, Any]]:
    """The review queue, most revenue first."""
    rows = con.execute(
        "select kind, source_system_a, source_id_a, source_system_b, source_id_b, match_weight, reason,"
        " amount_at_stake"
        " from identity.review_queue order by amount_at_stake desc, pair_id"
        + (f" limit {limit}" if limit else "")
    )
    names = [column[0] for column in rows.description or []]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def write_sheet(pairs: Iterable[Mapping[str, Any]], file: Path, actor: str, today: date) -> int:
    """The queue as identity_overrides with `action` left empty, to be filled in and read back."""
    count = 0
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(
            out, [*OVERRIDE_COLUMNS, "match_weight", "amount_at_stake"], lineterminator="\n"
        )
        writer.writeheader()
        for pair in pairs:
            writer.writerow(
                {
                    "action": "",
                    **{c: pair[c] for c in OVERRIDE_COLUMNS[1:6]},
                    "actor": actor,
                    "reason": pair["reason"],
                    "valid_from": today.isoformat(),
                    "match_weight": "" if pair["match_weight"] is None else round(pair["match_weight"], 1),
                    "amount_at_stake": pair["amount_at_stake"],
                }
            )
            count += 1
    return count


def read_sheet(file: Path) -> list[dict[str, str]]:
    """The decided rows of a sheet; raises ConfigurationError for an action that is neither of the two."""
    with file.open(newline="", encoding="utf-8-sig") as opened:
        reader = csv.DictReader(opened)
        missing = [c for c in OVERRIDE_COLUMNS if c not in (reader.fieldnames or ())]
        if missing:
            raise ConfigurationError(f"{file}: the column {missing[0]} is missing.")
        rows = [(reader.line_num, {c: row[c] or "" for c in OVERRIDE_COLUMNS}) for row in reader]
    for line, row in rows:
        if row["action"] not in ("", "must_link", "cannot_link"):
            raise ConfigurationError(
                f"{file}, line {line}: action is {row['action']!r}; write must_link, cannot_link or nothing."
            )
    return [row for _, row in rows if row["action"]]
