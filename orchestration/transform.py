"""Runs dbt inside this process: one parse for all runs of the same code, one connection, no command line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestration import policies, rules
from orchestration.contract import PROJECT_ROOT, entry_contract
from orchestration.engines import Table, engine
from orchestration.errors import AuditFailed, RevopsError
from orchestration.settings import Settings, switch_off_telemetry, thread_count
from orchestration.vendor_settings import VendorSource
from orchestration.warehouse import open_build

TARGET = PROJECT_ROOT / "target"

# What each stage builds. Python writes the tables of schemas `identity` and `insight` in between.
SELECTIONS = {
    "entry": "path:models/sources path:models/entry",
    "revenue": "path:models/revenue path:models/metrics/revenue/arr_movements.sql",
    "metrics": "path:models/metrics path:models/operations",
}
_NOT_IN_METRICS = "path:models/metrics/revenue/arr_movements.sql"


@dataclass(frozen=True, slots=True)
class NodeResult:
    """Outcome of one model or test. `status` is success, pass, fail, warn, error or skipped; `failures`
    counts failing rows; `table` is schema.table of a model.
    """

    unique_id: str
    name: str
    resource_type: str
    status: str
    message: str
    failures: int
    seconds: float
    rows: int | None
    table: str = ""


def build(
    stage: str,
    *,
    build_file: Path,
    landing: Path,
    settings: Settings,
    as_of: date,
    known_at: datetime | None = None,
    inputs: dict[str, list[str]],
    threads: int | None = None,
    on_node: Callable[[NodeResult], None] = lambda node: None,
) -> list[NodeResult]:
    """Build one stage ('entry' or 'warehouse') into `build_file`; `inputs` maps each entry entity to its
    sources.

    Stage 'entry' loads the rules first; stage 'warehouse' needs schema `identity`. Failed tests come back
    as results;
    a model that does not compile or run raises RevopsError.
    """
    with (
        engine(settings) as where,
        _environment(build_file, landing, threads or thread_count(), where.environment),
    ):

        def build_all(part: str, exclude: str | None = None) -> list[NodeResult]:
            nodes = _build(SELECTIONS[part], variables, on_node, exclude=exclude)
            where.take(build_file, _tables(nodes, variables))
            return nodes

        if stage == "entry":
            load_rules(build_file, settings)
            where.give_raw(landing)
            where.give(build_file, ["run", "rules"])
        variables = _variables(settings, as_of, known_at, inputs, policies.read(build_file.parent / "rules"))
        if stage == "entry":
            return build_all("entry")
        where.give(build_file, ["identity"])
        results = build_all("revenue")
        write_insight(build_file, as_of, settings)
        where.give(build_file, ["insight"])
        return results + build_all("metrics", exclude=_NOT_IN_METRICS)


def load_rules(build_file: Path, settings: Settings) -> None:
    """Merge the seeds with the company's rules, beside the build file and into its schema `rules`."""
    folder = rules.merge(_rules_folder(settings), build_file.parent / "rules")
    with open_build(build_file) as con:
        rules.load(con, folder)


def run_models(
    select: str,
    *,
    exclude: str | None = None,
    build_file: Path,
    landing: Path,
    settings: Settings,
    as_of: date,
    known_at: datetime | None,
    inputs: dict[str, list[str]],
    said: policies.Policies,
) -> list[NodeResult]:
    """Build some models without their tests, under the policies `said`; the selections are in dbt's words."""
    with _environment(build_file, landing, thread_count()):
        variables = _variables(settings, as_of, known_at, inputs, said)
        return _build(select, variables, lambda node: None, exclude=exclude, command="run")


@dataclass(frozen=True, slots=True)
class UnitTestQuery:
    """What a unit test runs: the model's SQL over its fixtures, which are CTEs called __dbt__cte__<model>.

    `columns` are those the test compares; where they are empty, those of `expected`, which is SQL.
    """

    name: str
    model: str
    sql: str
    columns: tuple[str, ...]
    expected: str


def unit_test_queries(build_file: Path) -> list[UnitTestQuery]:
    """The query of every unit test that passes; what `unit_tests` says of `build_file` holds here, too."""
    found = []
    with _environment(build_file, build_file.parent / "no_landing.duckdb", threads=1):
        for result in _results(["test", "--select", "test_type:unit"], _default_variables()):
            if str(result.status) == "pass":
                columns = {name: None for row in result.node.config.expected_rows for name in row}
                found.append(
                    UnitTestQuery(
                        name=result.node.name,
                        model=result.node.tested_node_unique_id.rpartition(".")[2],
                        sql=result.node.compiled_code,
                        columns=tuple(columns),
                        expected=result.node.config.expected_sql or "",
                    )
                )
    return found


def compiled(select: str, *, build_file: Path, settings: Settings, as_of: date) -> dict[str, str]:
    """Name → SQL of models as they run on a finished build; the selection is in dbt's words."""
    with open_build(build_file, read_only=True) as con:
        inputs: dict[str, list[str]] = {}
        for entity, source in con.execute("select entity, source_system from run.inputs").fetchall():
            inputs.setdefault(entity, []).append(source)
    variables = _variables(settings, as_of, None, inputs, policies.read(build_file.parent / "rules"))
    with _environment(build_file, build_file.parent / "no_landing.duckdb", threads=1):
        results = _results(["compile", "--select", *select.split()], variables)
    return {
        result.node.name: result.node.compiled_code
        for result in results
        if result.node.resource_type == "model" and result.node.compiled_code
    }


def document(
    folder: Path, *, settings: Settings, as_of: date, inputs: dict[str, list[str]]
) -> dict[str, Any]:
    """Write dbt's pages into `folder`/static_index.html and return the manifest with the SQL of every model,
    compiled as it runs for these `inputs`. Needs no warehouse.
    """
    build_file = folder / "build.duckdb"
    load_rules(build_file, settings)
    variables = _variables(settings, as_of, None, inputs, policies.read(folder / "rules"))
    options = [option for option in _options(variables) if option != "--no-write-json"]
    options[options.index("--target-path") + 1] = str(folder)
    with _environment(build_file, folder / "no_landing.duckdb", threads=2):
        outcome = _run_dbt(["docs", "generate", "--static", "--empty-catalog", *options], variables)
    if not outcome.success:
        raise RevopsError(f"The models do not compile: {_one_line(str(outcome.exception))}")
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def vendor_sql(kind: str, source: str) -> dict[str, str]:
    """Name → SQL of the models of one vendor, over what one source of that kind landed."""
    variables = {"vendor_sources": {kind: [source]}}
    with _environment(TARGET / "compile.duckdb", TARGET / "no_landing.duckdb", threads=1):
        results = _results(["compile", "--select", f"path:models/sources/{kind}"], variables)
    return {result.node.name: result.node.compiled_code for result in results}


def unit_tests(build_file: Path) -> list[NodeResult]:
    """Run every unit test of the models.

    `build_file` needs the tables of a full build, empty ones will do: dbt reads there the types of mocked
    columns.
    """
    with _environment(build_file, build_file.parent / "no_landing.duckdb", threads=2):
        return _invoke(["test", "--select", "test_type:unit"], _default_variables(), lambda node: None)


def manifest(settings: Settings | None = None) -> dict[str, Any]:
    """dbt's manifest of the project as it is now: of the models these settings switch on, else of all."""
    return json.loads(manifest_path(settings).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def manifest_path(settings: Settings | None = None) -> Path:
    """manifest.json of the project as it is now; parses if the code changed since it was written."""
    variables = _default_variables()
    if settings is not None:
        # Only the vendors count here; which entities each source has is known when a run has read them.
        names = [source.name for source in settings.sources]
        variables = {"vendor_sources": source_variables(settings, {"": names})["vendor_sources"]}
    folder = _manifest_folder(variables)
    _manifest(variables, folder)
    return folder / "manifest.json"


def write_insight(
    build_file: Path, as_of: date, settings: Settings, only: Collection[str] | None = None
) -> None:
    """Write what models of metrics read in schema `insight`, or `only` the fits of some of its tables; needs
    the models of revenue.
    """
    from orchestration import insight

    with open_build(build_file) as con:
        insight.write(con, as_of, settings.reporting, only)


def _rules_folder(settings: Settings) -> Path | None:
    return settings.root / settings.rules if settings.rules else None


def _variables(
    settings: Settings,
    as_of: date,
    known_at: datetime | None,
    inputs: dict[str, list[str]],
    said: policies.Policies,
) -> dict[str, Any]:
    return {
        "as_of": as_of.isoformat(),
        "known_at": known_at.isoformat(sep=" ") if known_at else "",
        "reporting_currency": settings.reporting.currency,
        "reporting_timezone": settings.reporting.timezone,
        "fiscal_year_start_month": settings.reporting.fiscal_year_start_month,
        "policies": said,
        **source_variables(settings, inputs),
    }


def source_variables(settings: Settings, inputs: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What the models are told about the sources; `inputs` maps each entry entity to those that have it."""
    vendors = {source.name: source for source in settings.sources if isinstance(source, VendorSource)}
    loaded = {name for names in inputs.values() for name in names}
    kinds: dict[str, list[str]] = {}
    for name in sorted(loaded & vendors.keys()):
        kinds.setdefault(vendors[name].kind, []).append(name)
    mapped = {
        entity: sorted(name for name in names if name not in vendors or entity in vendors[name].entities)
        for entity, names in sorted(inputs.items())
    }
    return {
        "missing_entities": sorted(entity for entity in entry_contract() if not inputs.get(entity)),
        "mapped_sources": {entity: names for entity, names in mapped.items() if names},
        "vendor_sources": kinds,
        "vendor_fields": {name: vendors[name].fields for name in sorted(loaded & vendors.keys())},
    }


def _default_variables() -> dict[str, Any]:
    return {}


def _tables(nodes: Sequence[NodeResult], variables: dict[str, Any]) -> list[Table]:
    """The tables that these results of models left behind, views left out."""
    known = _manifest(variables).nodes
    models = [
        known[node.unique_id] for node in nodes if node.resource_type == "model" and node.status == "success"
    ]
    return [
        Table(model.schema, model.alias, {column.name: column.data_type for column in model.columns.values()})
        for model in models
        if model.config.materialized == "table"
    ]


@contextmanager
def _environment(
    build_file: Path, landing: Path, threads: int, of_engine: Mapping[str, str] = MappingProxyType({})
) -> Iterator[None]:
    """What profiles.yml reads; put back afterwards, since tests run several homes in one process."""
    switch_off_telemetry()
    wanted = {"REVOPS_BUILD": str(build_file), "REVOPS_THREADS": str(threads), **of_engine}
    if landing.exists():
        wanted["REVOPS_LANDING"] = str(landing)
    names = {"REVOPS_BUILD", "REVOPS_THREADS", "REVOPS_LANDING", *of_engine}
    before = {name: os.environ.get(name) for name in names}
    for name in before:
        os.environ.pop(name, None)
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _build(
    select: str,
    variables: dict[str, Any],
    on_node: Callable[[NodeResult], None],
    exclude: str | None = None,
    command: str = "build",
) -> list[NodeResult]:
    arguments = [
        command,
        "--select",
        *select.split(),
        "--exclude",
        "resource_type:unit_test",
        "resource_type:seed",
    ]
    if exclude:
        arguments += exclude.split()
    nodes = _invoke(arguments, variables, on_node)
    broken = [node for node in nodes if node.status == "error"]
    if broken:
        raise AuditFailed(
            f"{broken[0].resource_type} {broken[0].name} failed: {_one_line(broken[0].message)}"
        )
    return nodes


def _invoke(
    arguments: list[str], variables: dict[str, Any], on_node: Callable[[NodeResult], None]
) -> list[NodeResult]:
    nodes = [_node_result(result) for result in _results(arguments, variables)]
    for node in nodes:
        on_node(node)
    return nodes


def _results(arguments: list[str], variables: dict[str, Any]) -> list[Any]:
    """dbt's own results of one command."""
    outcome = _run_dbt([*arguments, *_options(variables)], variables)
    results = getattr(outcome.result, "results", None)
    if results is None:
        raise RevopsError(f"The models do not compile: {_one_line(str(outcome.exception))}")
    return list(results)


def _run_dbt(arguments: list[str], variables: dict[str, Any]) -> Any:
    """The outcome of one dbt command."""
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner

    try:
        return dbtRunner(manifest=_manifest(variables)).invoke(arguments)
    finally:
        # dbt keeps the file open for the life of the process otherwise
        _close_connections()
        reset_adapters()


def _close_connections() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import cleanup_connections

    DuckDBConnectionManager.close_all_connections()
    cleanup_connections()


def _options(variables: dict[str, Any]) -> list[str]:
    options = [
        *("--project-dir", str(PROJECT_ROOT)),
        *("--profiles-dir", str(PROJECT_ROOT)),
        *("--target-path", str(_manifest_folder(variables))),
        *("--log-level", "none"),
        *("--log-level-file", "none"),
        "--no-write-json",
        "--no-print",
        "--no-use-colors",
    ]
    return [*options, "--vars", json.dumps(variables, sort_keys=True)] if variables else options


def _node_result(result: Any) -> NodeResult:
    rows = (result.adapter_response or {}).get("rows_affected")
    return NodeResult(
        unique_id=result.node.unique_id,
        name=result.node.name,
        resource_type=str(result.node.resource_type),
        status=str(result.status),
        message=result.message or "",
        failures=result.failures or 0,
        seconds=result.execution_time,
        rows=rows if isinstance(rows, int) and rows >= 0 else None,
        table=f"{result.node.schema}.{getattr(result.node, 'alias', result.node.name)}",
    )


def _one_line(message: str) -> str:
    return " ".join(message.split())[:600]


_parsed: dict[Path, Any] = {}


def _manifest(variables: dict[str, Any], folder: Path | None = None) -> Any:
    """The parsed project: from this process, from the folder of this code version, or parsed now.

    Only what the parser sees matters: the code, and which sources exist (models refer to them); dates and
    the like are filled in when a model compiles.
    """
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder

    folder = folder or _manifest_folder(variables)
    if folder not in _parsed:
        packed = folder / "parsed.msgpack"
        if packed.exists():
            _parsed[folder] = Manifest.from_msgpack(packed.read_bytes(), decoder=extended_mashumuro_decoder)
        else:
            # In a folder of its own first: another process may parse or read the same version just now.
            draft = folder.with_name(f".{folder.name}.{os.getpid()}")
            arguments = [option for option in _options(variables) if option != "--no-write-json"]
            arguments[arguments.index("--target-path") + 1] = str(draft)
            outcome = dbtRunner().invoke(["parse", "--no-partial-parse", *arguments])
            if not outcome.success:
                shutil.rmtree(draft, ignore_errors=True)
                raise RevopsError(f"The dbt project does not parse: {_one_line(str(outcome.exception))}")
            parsed: Any = outcome.result
            _parsed[folder] = parsed
            (draft / packed.name).write_bytes(parsed.to_msgpack(extended_mashumaro_encoder))
            _settle(draft, folder, packed)
    return _parsed[folder]


def _settle(draft: Path, folder: Path, packed: Path) -> None:
    """Give the parsed project its name, unless another process was first."""
    if folder.exists() and not packed.exists():
        shutil.rmtree(folder)
    try:
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft)


def _manifest_folder(variables: dict[str, Any]) -> Path:
    """One folder per version of the code, set of vendor systems, and engine."""
    digest = hashlib.sha256(os.environ.get("REVOPS_ENGINE", "duckdb").encode())
    for path in sorted(_project_files()):
        digest.update(str(path.relative_to(PROJECT_ROOT)).encode())
        digest.update(path.read_bytes())
    # Which folders of models/sources/ are on is decided when the project is parsed.
    digest.update(json.dumps(sorted(variables.get("vendor_sources", ("all",)))).encode())
    return TARGET / digest.hexdigest()[:16]


def _project_files() -> Iterator[Path]:
    yield PROJECT_ROOT / "dbt_project.yml"
    yield PROJECT_ROOT / "profiles.yml"
    for folder in ("models", "macros", "tests/dbt", "seeds"):
        for path in (PROJECT_ROOT / folder).rglob("*"):
            if path.suffix in (".sql", ".yml", ".csv"):
                yield path
