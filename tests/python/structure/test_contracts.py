"""The models are the data contracts that others rely on, column by column and type by type."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

Node = Mapping[str, Any]

ENTRY_TYPES = {
    "text": "string",
    "json": "string",
    "timestamp": "timestamp",
    "date": "date",
    "boolean": "boolean",
    "integer": "bigint",
    "money": "decimal(18,4)",
    "ratio": "double",
}
PUBLISHED_TYPES = {"text": "string", "text[]": "string[]", "json": "string"}
# Published by Python, not by dbt.
WRITTEN_BY_PYTHON = "identity."


def _type(data_type: str) -> str:
    """A type in the spelling of the contracts."""
    return re.sub(r"\b(varchar|text)\b", "string", data_type.lower().replace(" ", ""))


@pytest.fixture(scope="module")
def entry(shared: Path) -> dict[str, Any]:
    return yaml.safe_load((shared / "contracts" / "entry.yml").read_text())


@pytest.fixture(scope="module")
def published(shared: Path) -> dict[str, Any]:
    return yaml.safe_load((shared / "contracts" / "published.yml").read_text())


@pytest.fixture(scope="module")
def tables(published: dict[str, Any]) -> dict[str, Any]:
    """Tables of the published contract by schema.table."""
    return {name: table for name, table in published.items() if "." in name}


@pytest.fixture(scope="module")
def built(models: dict[str, Node]) -> dict[str, Node]:
    """Every model by schema.table."""
    return {f"{model['schema']}.{model['alias']}": model for model in models.values()}


def test_every_entry_entity_has_the_columns_and_types_of_its_contract(
    entry: dict[str, Any], built: dict[str, Node]
) -> None:
    own = {name for name in built if name.startswith("entry.")}
    assert own == {f"entry.{entity}" for entity in entry["entities"]}
    for entity, columns in entry["entities"].items():
        stated = {name: ENTRY_TYPES[fact["type"]] for name, fact in (entry["common"] | columns).items()}
        found = {
            name: _type(column["data_type"]) for name, column in built[f"entry.{entity}"]["columns"].items()
        }
        assert list(found.items()) == list(stated.items()), entity


def test_required_entry_columns_and_only_those_and_defaults_are_never_null(
    entry: dict[str, Any], built: dict[str, Node]
) -> None:
    for entity, columns in entry["entities"].items():
        facts = entry["common"] | columns
        required = {name for name, fact in facts.items() if fact.get("required")}
        never_empty = required | {name for name, fact in facts.items() if "default" in fact}
        found = {
            name
            for name, column in built[f"entry.{entity}"]["columns"].items()
            if any(constraint["type"] == "not_null" for constraint in column["constraints"])
        }
        assert required <= found <= never_empty, entity


def test_personal_columns_are_marked(built: dict[str, Node]) -> None:
    personal = re.compile(r"email|full_name|first_name|last_name|phone|comment|^custom$")
    for name, model in built.items():
        if name.startswith("entry.") or name in ("revenue.people", "revenue.touches"):
            for column in model["columns"].values():
                if personal.search(column["name"]) and name != "entry.users":
                    assert column["config"]["meta"].get("pii"), f"{name}.{column['name']}"


def test_every_published_table_that_is_built_has_the_grain_of_the_contract(
    tables: dict[str, Any], built: dict[str, Node]
) -> None:
    for name in tables.keys() & built.keys():
        assert built[name]["config"]["meta"]["grain"] == tables[name]["grain"], name


def test_every_published_table_that_is_built_has_the_columns_and_types_of_the_contract(
    tables: dict[str, Any], built: dict[str, Node]
) -> None:
    for name in tables.keys() & built.keys():
        columns = built[name]["columns"]
        for column, stated in tables[name].get("columns", {}).items():
            # what follows the type is about the column
            words = re.match(r"(decimal\(\d+,\d+\)|text\[\]|\w+)", stated)
            assert words, f"{name}.{column}: {stated}"
            assert column in columns, f"{name} has no {column}"
            if words[0] in ("P10", "expected", "P90"):
                continue
            expected = PUBLISHED_TYPES.get(words[0], words[0])
            assert _type(columns[column]["data_type"]) == expected, f"{name}.{column}"


def test_the_kpi_tables_have_the_columns_of_the_contract_in_its_order_and_no_other(
    tables: dict[str, Any], built: dict[str, Node]
) -> None:
    for name in ("metrics.kpi_values", "metrics.kpi_catalog"):
        assert list(built[name]["columns"]) == list(tables[name]["columns"]), name


def test_every_kpi_has_the_unit_of_the_contract(published: dict[str, Any], kpis: dict[str, Node]) -> None:
    for name, stated in published["kpis"].items():
        if name in kpis:
            units = {
                variant: reading["unit"]
                for variant, reading in kpis[name]["config"]["meta"]["kpi"]["variants"].items()
            }
            assert units.get("default", next(iter(units.values()))) == stated["unit"], name


def test_the_readme_lists_what_of_the_published_contract_is_not_built(
    published: dict[str, Any],
    tables: dict[str, Any],
    built: dict[str, Node],
    kpis: dict[str, Node],
    project: Path,
) -> None:
    missing = {name for name in tables if name not in built and not name.startswith(WRITTEN_BY_PYTHON)}
    for name, stated in published["kpis"].items():
        if name not in kpis:
            missing.add(f"metrics.{name}")
            continue
        variants = {each for each in stated.get("variants", []) if " " not in each}
        own = set(kpis[name]["config"]["meta"]["kpi"]["variants"])
        missing |= {f"{name}/{variant}" for variant in variants - own}
    readme = (project / "README.md").read_text()
    (section,) = re.findall(r"## Not there yet\n(.*?)(?=\n## |\Z)", readme, re.DOTALL)
    listed = set(re.findall(r"`((?:metrics|revenue|operations)\.\w+|\w+/\w+)`", section))
    assert listed == missing
