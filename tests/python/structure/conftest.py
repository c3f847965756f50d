"""The dbt project as dbt sees it: its manifest, and the SQL it compiles to."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestration.contract import entry_contract
from orchestration.transform import manifest as read_manifest
from orchestration.vendor_settings import VENDORS

Node = Mapping[str, Any]


@pytest.fixture(scope="session")
def manifest() -> Node:
    return read_manifest()


@pytest.fixture(scope="session")
def models(manifest: Node) -> dict[str, Node]:
    """Every model by name."""
    return {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}


@pytest.fixture(scope="session")
def kpis(models: dict[str, Node]) -> dict[str, Node]:
    """The marts that kpi_catalog is generated from, by the name of their KPI."""
    return {name: model for name, model in models.items() if "kpi" in model["config"]["meta"]}


@pytest.fixture(scope="session", params=["two sources of everything", "no source"])
def compiled(
    request: pytest.FixtureRequest, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The SQL of every model and test on DuckDB, by path; once with all inputs and once without any."""
    sources = ["first", "second"] if request.param == "two sources of everything" else []
    target = tmp_path_factory.mktemp("compiled")
    variables = {
        "as_of": "2026-06-30",
        "reporting_timezone": "America/New_York",
        "missing_entities": [] if sources else sorted(entry_contract()),
        "mapped_sources": {entity: sources for entity in entry_contract()} if sources else {},
        "vendor_sources": dict.fromkeys(VENDORS, sources) if sources else {},
        "vendor_fields": {name: {"opportunities": {"direction": "Direction__c"}} for name in sources},
    }
    command = [Path(sys.executable).with_name("dbt"), "compile", "--quiet", "--vars", json.dumps(variables)]
    paths = [
        "--project-dir",
        project,
        "--profiles-dir",
        project,
        "--target-path",
        target,
        "--log-path",
        target,
    ]
    environment = os.environ | {"REVOPS_BUILD": str(target / "build.duckdb")}
    subprocess.run([*command, *paths], env=environment, check=True)
    folder = target / "compiled" / "revops"
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.sql"))}
