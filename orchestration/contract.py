"""The entry contract: which columns of which type every source is mapped onto.

Read from the dbt contracts in `models/entry/entry_<entity>.yml`, so there is one place that states it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from orchestration.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parent.parent


# What macros/vendor_records.sql adds to the columns of a raw table.
ADDED_TO_RAW = ("source_system", "is_gone")
_VENDOR_RECORDS = re.compile(r"vendor_records\((?:'\w+'|kind), '(\w+)'(?:, key='(\w+)')?\)")
_MACRO = re.compile(r"{% macro (\w+)\(kind.*?{%-? endmacro -?%}", re.DOTALL)


@dataclass(frozen=True)
class Column:
    """One entry column.

    `type` is a word of the entry contract: text, timestamp, date, boolean, integer, money, ratio or json.
    """

    name: str
    type: str
    required: bool = False
    one_of: tuple[str, ...] = ()
    default: str | bool | int | float | None = None
    pii: bool = False
    person_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entity:
    """One entry entity with its columns in contract order, the common ones first."""

    name: str
    columns: Mapping[str, Column]
    is_person: bool = False
    needs_person: bool = False


@cache
def entry_contract() -> Mapping[str, Entity]:
    """Every entity of the entry contract by name."""
    folder = PROJECT_ROOT / "models" / "entry"
    entities = [_read_entity(file) for file in sorted(folder.glob("entry_*.yml"))]
    if not entities:
        raise ConfigurationError(
            f"No entry contract lies in {folder}; run from a complete checkout of the project."
        )
    return MappingProxyType({entity.name: entity for entity in entities})


@cache
def raw_contract(kind: str) -> Mapping[str, Entity]:
    """Every table of a vendor, from `models/sources/<kind>/<kind>.yml`; all else is custom."""
    file = PROJECT_ROOT / "models" / "sources" / kind / f"{kind}.yml"
    (source,) = yaml.safe_load(file.read_text(encoding="utf-8"))["sources"]
    found = {}
    for table in source["tables"]:
        columns = [_read_column(column) for column in table["columns"]]
        found[table["name"]] = Entity(
            name=table["name"],
            is_person=bool(_meta(table).get("person")),
            needs_person=bool(_meta(table).get("needs_person")),
            columns=MappingProxyType(
                {column.name: column for column in columns if column.name not in ADDED_TO_RAW}
            ),
        )
    return MappingProxyType(found)


@cache
def tables_behind(kind: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Entry entity → the tables of a vendor its model reads, each with its key, as `vendor_records` says."""
    shared = {
        macro.group(1): macro.group(0)
        for file in (PROJECT_ROOT / "macros").glob("*.sql")
        for macro in _MACRO.finditer(file.read_text(encoding="utf-8"))
    }
    found = {}
    for file in sorted((PROJECT_ROOT / "models" / "sources" / kind).glob(f"{kind}__*.sql")):
        text = file.read_text(encoding="utf-8")
        called = [body for name, body in shared.items() if f"{name}('{kind}'" in text]
        read = dict(_VENDOR_RECORDS.findall("\n".join([text, *called])))
        found[file.stem.removeprefix(f"{kind}__")] = tuple(
            (table, key or "id") for table, key in read.items()
        )
    return MappingProxyType(found)


@cache
def modelled_entities() -> Mapping[str, tuple[str, ...]]:
    """Kind → the entry entities its models provide, as dbt_project.yml lists them."""
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for entity, kinds in project["vars"]["sources_by_entity"].items():
        for kind in kinds:
            found.setdefault(kind, []).append(entity)
    return MappingProxyType({kind: tuple(entities) for kind, entities in found.items()})


def _read_entity(file: Path) -> Entity:
    (model,) = yaml.safe_load(file.read_text(encoding="utf-8"))["models"]
    columns = [_read_column(column) for column in model["columns"]]
    return Entity(
        name=model["config"]["meta"]["entity"],
        columns=MappingProxyType({column.name: column for column in columns}),
    )


def _read_column(column: dict[str, Any]) -> Column:
    meta = column["config"]["meta"]
    # A source has no constraints in dbt; a column it must have says so in its meta.
    required = {"not_null"} if meta.get("required") else set()
    constraints = required | {constraint["type"] for constraint in column.get("constraints", [])}
    # A column with a default is never null in the model, but a source need not give it.
    return Column(
        name=column["name"],
        type=meta["type"],
        required="not_null" in constraints and "default" not in meta,
        one_of=tuple(str(value) for value in meta.get("one_of", ())),
        default=meta.get("default"),
        pii=bool(meta.get("pii", False)),
        person_of=tuple(meta.get("person_of", ())),
    )


def _meta(node: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = node.get("config", {}).get("meta", {})
    return found
