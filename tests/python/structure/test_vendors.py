"""What is missing of a vendor that somebody began to add."""

import importlib
from pathlib import Path

import pytest

from orchestration.contract import entry_contract, modelled_entities, raw_contract
from orchestration.sources.api.connector import Connector
from orchestration.vendor_settings import VENDORS
from sandbox.vendors import KINDS

SHARED = {"api", "database", "files", "landed"}


@pytest.fixture(scope="module", params=sorted(VENDORS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_folder_of_a_vendor_is_known_everywhere(project: Path) -> None:
    connectors = {path.parent.name for path in (project / "orchestration/sources").glob("*/__init__.py")}
    models = {path.name for path in (project / "models/sources").iterdir() if path.is_dir()}
    assert connectors - SHARED == set(VENDORS), "vendor_settings.VENDORS and orchestration/sources/ differ"
    assert set(VENDORS) <= models, "models/sources/ lacks a folder"
    assert set(VENDORS) == set(KINDS), "sandbox.vendors.KINDS lacks a stand-in"


def test_a_vendor_has_its_tables_models_lines_and_papers(kind: str, project: Path) -> None:
    connector = importlib.import_module(f"orchestration.sources.{kind}").CONNECTOR
    assert issubclass(connector, Connector)
    tables = raw_contract(kind)
    assert not set(tables) & set(entry_contract()), (
        "a raw table is named like an entry entity; use the singular"
    )
    sql = {path.stem for path in (project / f"models/sources/{kind}").glob("*.sql")}
    assert sql == {f"{kind}__{entity}" for entity in modelled_entities()[kind]}, "sources_by_entity differs"
    switched = (project / "dbt_project.yml").read_text()
    assert f"'{kind}' in var('vendor_sources'" in switched, (
        "no line under models: sources: in dbt_project.yml"
    )
    readme = (project / f"orchestration/sources/{kind}/README.md").read_text()
    for name in connector.credentials:
        assert name.upper() in readme, f"its README does not name the credential {name}"
    assert (project / f"tests/python/connectors/test_{kind}.py").exists()


def test_the_declared_tables_of_a_vendor_are_those_it_reads(kind: str) -> None:
    connector = importlib.import_module(f"orchestration.sources.{kind}").CONNECTOR
    module = importlib.import_module(f"orchestration.sources.{kind}.tables")
    read = {table.name: table for table in module.TABLES}
    assert read.keys() == raw_contract(kind).keys(), connector
    for name, table in read.items():
        columns = raw_contract(kind)[name].columns
        assert columns[table.key].required, f"{name}.{table.key} is not declared as required"
        assert {table.cursor, table.deleted} - {None} <= columns.keys(), name
