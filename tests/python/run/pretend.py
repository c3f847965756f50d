"""A run whose sources are real files and whose models are pretended: tables appear without dbt."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestration import run as steps
from orchestration import transform
from orchestration.reporter import Reporter
from orchestration.run import Run, RunOptions, open_run
from orchestration.settings import Settings, load_settings
from orchestration.transform import NodeResult
from orchestration.warehouse import open_build

CONFIG = """
sources:
  - name: acme
    kind: files
    path: acme
    entities: {accounts: {file: accounts.csv, columns: {source_id: id}}}
  - name: zeta
    kind: files
    path: zeta
    entities: {accounts: {file: accounts.csv, columns: {source_id: id}}}
"""


@dataclass
class PretendedModels:
    """What the pretended dbt builds: findings and failures can be set by a test."""

    tests: dict[str, str] = field(default_factory=dict)
    quality: list[tuple[str, str]] = field(default_factory=list)
    reconciliation: str = "match"
    failure: Exception | None = None
    inputs: dict[str, list[str]] = field(default_factory=dict)

    def build(
        self,
        stage: str,
        *,
        build_file: Path,
        landing: Path,
        settings: Settings,
        as_of: date,
        known_at: datetime | None,
        inputs: dict[str, list[str]],
        on_node: Callable[[NodeResult], None],
    ) -> list[NodeResult]:
        """Stands in for `transform.build`."""
        self.inputs = inputs
        if stage == "warehouse":
            if self.failure is not None:
                raise self.failure
            self._write(build_file, as_of)
        nodes = [self._result(node) for node in _nodes(stage)]
        for node in nodes:
            on_node(node)
        return nodes

    def _write(self, build_file: Path, as_of: date) -> None:
        with open_build(build_file) as con:
            for schema in ("revenue", "metrics", "operations", "identity"):
                con.execute(f"create schema if not exists {schema}")
            con.execute("create table metrics.kpi_values as select 'win_rate' as kpi, ? as as_of", [as_of])
            con.execute("create table operations.runs as select * from run.runs")
            con.execute("create table operations.run_steps as select * from run.steps")
            con.execute("create table operations.reconciliation as select ? as status", [self.reconciliation])
            con.execute(
                "create table operations.data_quality"
                " (test varchar, severity varchar, failing_rows bigint, message varchar)"
            )
            for severity, message in self.quality:
                con.execute(
                    "insert into operations.data_quality values ('finding', ?, 3, ?)", [severity, message]
                )

    def _result(self, node: dict[str, Any]) -> NodeResult:
        is_test = node["resource_type"] == "test"
        status = self.tests.get(node["name"], "pass" if is_test else "success")
        failures = 2 if status in ("fail", "warn") else 0
        return NodeResult(
            node["unique_id"], node["name"], node["resource_type"], status, "", failures, 0.01, None
        )


def _nodes(stage: str) -> list[dict[str, Any]]:
    nodes = [
        node for node in transform.manifest()["nodes"].values() if node["resource_type"] in ("model", "test")
    ]
    return [node for node in nodes if ("models/entry" in node["original_file_path"]) == (stage == "entry")]


def write_company(root: Path, *, strict: bool = False) -> Settings:
    """Two sources with one account each, and the configuration that names them."""
    for name in ("acme", "zeta"):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / "accounts.csv").write_text(f"id,name\n1,{name} customer\n", encoding="utf-8")
    (root / "revops.yml").write_text(CONFIG + f"strict: {str(strict).lower()}\n", encoding="utf-8")
    return load_settings(root / "revops.yml")


def run_steps(settings: Settings, home: Path, **options: Any) -> Run:
    """A whole run without Dagster; raises what stopped it."""
    with open_run(settings, home, RunOptions(**options), quiet_reporter()) as run:
        take_steps(run)
    return run


def take_steps(run: Run) -> None:
    """The steps of an open run, in their order."""
    for source in run.sources_to_extract:
        try:
            steps.extract_source(run, source)
        except Exception:
            continue
    steps.build_entry(run, lambda node: None)
    steps.resolve_identities(run)
    steps.build_warehouse(run, lambda node: None)
    steps.write_and_audit(run)
    steps.publish_candidate(run)


def quiet_reporter() -> Reporter:
    """A reporter nobody listens to; the log file is written all the same."""
    return Reporter(Console(file=StringIO()))
