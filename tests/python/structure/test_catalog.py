"""Whoever reads a published column finds what it means, its unit, its owner and whether it is personal."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from orchestration.catalog.units import unit_of
from orchestration.settings import SCHEMAS

Node = Mapping[str, Any]

PERSONAL = re.compile(r"e_?mail|phone|full_name|first_name|last_name|birth|address")
# A word or two that only repeat the name say nothing.
SHORT = 12


def published(manifest: Node) -> Iterator[Node]:
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if node["resource_type"] in ("model", "source") and node["schema"] in SCHEMAS:
            yield node


def meta(about: Node) -> Node:
    return {**about.get("meta", {}), **about.get("config", {}).get("meta", {})}


def test_every_published_table_has_an_owner_and_described_columns(manifest: Node) -> None:
    for node in published(manifest):
        assert meta(node).get("owner"), node["name"]
        assert node["columns"], node["name"]
        for name, column in node["columns"].items():
            said = column["description"].strip()
            assert len(said) >= SHORT or " " in said, f"{node['name']}.{name}: {said!r} says nothing"
            assert said.rstrip(".").casefold() != name.replace("_", " "), f"{node['name']}.{name}"


def test_every_published_number_has_a_unit(manifest: Node) -> None:
    missing = [
        f"{node['name']}.{name}"
        for node in published(manifest)
        for name, column in node["columns"].items()
        if column.get("data_type") and unit_of(name, column["data_type"], meta(column).get("unit")) is None
    ]
    assert missing == [], "say it in the YAML of the model: config: {meta: {unit: …}}"


def test_columns_named_like_personal_data_are_marked_so(manifest: Node) -> None:
    found = [
        (f"{node['name']}.{name}", meta(column).get("pii"))
        for node in published(manifest)
        for name, column in node["columns"].items()
        if PERSONAL.search(name) and column.get("data_type") == "string"
    ]
    assert Counter(marked for _, marked in found).keys() == {True}, found


def test_exposures_name_what_reads_the_published_tables(manifest: Node) -> None:
    exposures = manifest["exposures"].values()
    assert {exposure["name"] for exposure in exposures} >= {"scorecard_page", "exports"}
    for exposure in exposures:
        assert exposure["owner"]["name"] and exposure["description"], exposure["name"]
        assert exposure["depends_on"]["nodes"], exposure["name"]
