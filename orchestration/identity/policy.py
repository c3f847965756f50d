"""What the business has decided about identity: domain classes and overrides, read from CSV rules.

A file in the rules folder replaces the seed of the same name.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from orchestration.errors import ConfigurationError

Entity = Literal["account", "person"]
RecordKey = tuple[str, str]
"""(source_system, source_id) of one record."""

SEEDS = Path(__file__).resolve().parents[2] / "seeds"

OVERRIDE_COLUMNS = (
    "action", "kind", "source_system_a", "source_id_a", "source_system_b", "source_id_b",
    "actor", "reason", "valid_from",
)  # fmt: skip

_DOMAIN_CLASSES = ("free", "platform", "corporate", "shared_parent")
_ACTIONS = ("must_link", "cannot_link")
_KINDS = ("account", "person")


@dataclass(frozen=True)
class Override:
    """A decision about two records that no evidence beats."""

    action: str
    kind: str
    a: RecordKey
    b: RecordKey
    actor: str
    reason: str
    valid_from: date | None


@dataclass(frozen=True)
class Policy:
    """Domain classes and overrides in force on the as-of day."""

    domain_class: Mapping[str, str]
    domain_alias: Mapping[str, str]
    overrides: tuple[Override, ...]

    @property
    def fingerprint(self) -> str:
        """Changes when what records are brought to changes: domain classes and aliases, not overrides."""
        said = repr((sorted(self.domain_class.items()), sorted(self.domain_alias.items())))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def of(self, kind: Entity, action: str) -> list[Override]:
        """Overrides of one kind and action, in a fixed order."""
        chosen = [o for o in self.overrides if o.kind == kind and o.action == action]
        return sorted(chosen, key=lambda o: (o.a, o.b))


def load_policy(rules: Path, as_of: date) -> Policy:
    """Read the rules; an unknown word or an unreadable date is a ConfigurationError that names file and
    line.
    """
    classes: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for where, row in _rows(rules, "free_email_domains", ("domain", "class", "alias_of")):
        domain = row["domain"].strip().lower()
        if row["class"] not in _DOMAIN_CLASSES:
            raise ConfigurationError(
                f"{where}: class is {row['class']!r}; write one of {', '.join(_DOMAIN_CLASSES)}."
            )
        classes[domain] = row["class"]
        if row["alias_of"].strip():
            aliases[domain] = row["alias_of"].strip().lower()
    overrides = tuple(o for o in _overrides(rules) if o.valid_from is None or o.valid_from <= as_of)
    return Policy(classes, aliases, overrides)


def _overrides(rules: Path) -> Iterator[Override]:
    for where, row in _rows(rules, "identity_overrides", OVERRIDE_COLUMNS):
        if row["action"] not in _ACTIONS:
            raise ConfigurationError(f"{where}: action is {row['action']!r}; write must_link or cannot_link.")
        if row["kind"] not in _KINDS:
            raise ConfigurationError(f"{where}: kind is {row['kind']!r}; write account or person.")
        a, b = sorted(
            [(row["source_system_a"], row["source_id_a"]), (row["source_system_b"], row["source_id_b"])]
        )
        if a == b:
            raise ConfigurationError(f"{where}: both sides are the record {a[0]}:{a[1]}.")
        try:
            since = date.fromisoformat(row["valid_from"]) if row["valid_from"].strip() else None
        except ValueError:
            raise ConfigurationError(
                f"{where}: valid_from is {row['valid_from']!r}; write a date like 2026-01-31."
            ) from None
        yield Override(row["action"], row["kind"], a, b, row["actor"], row["reason"], since)


def rule_file(rules: Path, name: str) -> Path:
    """The CSV in force for a rule: the rules folder's own, else the project's seed."""
    own = rules / f"{name}.csv"
    return own if own.is_file() else SEEDS / f"{name}.csv"


def _rows(rules: Path, name: str, header: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    path = rule_file(rules, name)
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [column for column in header if column not in (reader.fieldnames or [])]
        if missing:
            raise ConfigurationError(f"{path}: the column {missing[0]} is missing.")
        for row in reader:
            yield f"{path}, line {reader.line_num}", {c: (row.get(c) or "") for c in header}
