"""How well entities match a known truth, and a corpus as entry tables to find them in."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

Record = tuple[str, str]


@dataclass(frozen=True)
class Figures:
    """Pairwise precision and recall, B-cubed F, the share of entities that join more than one truth, and how
    many truths the worst of them joins.
    """

    precision: float
    recall: float
    b_cubed: float
    over_merged: float
    most_truths: int

    @property
    def f(self) -> float:
        """Harmonic mean of pairwise precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def figures(found: Mapping[Record, Hashable], truth: Mapping[Record, Hashable]) -> Figures:
    """Compare the entity of every record with who stands behind it; records without a truth are left out."""
    both = Counter((found[record], truth[record]) for record in truth if record in found)
    entities, things, joined = Counter[Hashable](), Counter[Hashable](), defaultdict[Hashable, int](int)
    for (entity, thing), count in both.items():
        entities[entity] += count
        things[thing] += count
        joined[entity] += 1
    records = sum(both.values())
    right = sum(_pairs(both.values()))
    precise = sum(n * n / entities[e] for (e, _), n in both.items()) / records
    complete = sum(n * n / things[t] for (_, t), n in both.items()) / records
    return Figures(
        precision=right / max(1, sum(_pairs(entities.values()))),
        recall=right / max(1, sum(_pairs(things.values()))),
        b_cubed=2 * precise * complete / (precise + complete),
        over_merged=sum(1 for truths in joined.values() if truths > 1) / len(joined),
        most_truths=max(joined.values()),
    )


def _pairs(counts: Iterable[int]) -> Iterable[int]:
    return (n * (n - 1) // 2 for n in counts)


def members(build_file: Path, kind: str) -> dict[Record, str]:
    """The entity of every record of a build that was resolved."""
    with duckdb.connect(str(build_file), read_only=True) as con:
        rows = con.execute(
            f"select source_system, source_id, {kind}_id from identity.{kind}_members"
        ).fetchall()
    return {(system, source_id): entity for system, source_id, entity in rows}


def write_entry(
    build_file: Path, accounts: Sequence[Mapping[str, Any]], people: Sequence[Mapping[str, Any]]
) -> None:
    """Write records as the entry tables of a build file, every column as text."""
    with duckdb.connect(str(build_file)) as con:
        con.execute("create schema if not exists entry")
        for table, rows in (("accounts", accounts), ("people", people)):
            if rows:
                batch = pa.table({c: pa.array([row[c] for row in rows], pa.string()) for c in rows[0]})
                con.register("batch", batch)
                con.execute(f"create or replace table entry.{table} as select * from batch")
                con.unregister("batch")
                if "custom" in rows[0]:
                    con.execute(f"alter table entry.{table} alter custom type json")
