"""The data as Dagster assets, from extraction to publication. Every asset calls one step of
`orchestration.run`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

from orchestration import run as steps
from orchestration.checks import AUDIT_CHECK_SPECS, audit_results
from orchestration.contract import entry_contract, raw_contract
from orchestration.errors import ConfigurationError, RevopsError
from orchestration.run import Run
from orchestration.settings import FilesSource, Settings, Source
from orchestration.transform import NodeResult
from orchestration.vendor_settings import VendorSource

# Written by the runner and by orchestration/identity, orchestration/insight; dbt knows them as sources.
_WRITTEN_BEFORE_ENTRY = "run"
_WRITTEN_BY_IDENTITY = "identity"
# The models of models/sources/.
_MAPPED_BY_SQL = "sources"

_EXTRACTION_RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL)

Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


class _Translator(DagsterDbtTranslator):
    """Asset keys are [schema, table], as analysts write them."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        table = (
            dbt_resource_props.get("alias")
            or dbt_resource_props.get("identifier")
            or dbt_resource_props["name"]
        )
        return dg.AssetKey([dbt_resource_props["schema"], table])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props["schema"])


@dataclass(frozen=True)
class _Stage:
    """The dbt nodes built in one go: their assets, and their tests as asset checks by the test's unique
    id.
    """

    specs: Sequence[dg.AssetSpec]
    checks: Mapping[str, dg.AssetCheckSpec]
    keys: Mapping[str, dg.AssetKey]


def warehouse_assets(settings: Settings, manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """Every asset of the job: extraction, entry, identity, warehouse, candidate, published."""
    translator = _Translator(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))
    entry = _stage(
        manifest,
        translator,
        lambda node: node["schema"] in (_MAPPED_BY_SQL, "entry", "rules", _WRITTEN_BEFORE_ENTRY),
    )
    identity = _stage(manifest, translator, lambda node: node["schema"] == _WRITTEN_BY_IDENTITY)
    vendor_tables = {
        unique_id for unique_id, node in manifest["sources"].items() if node["schema"].startswith("raw_")
    }
    taken = {*entry.keys, *identity.keys, *vendor_tables}
    warehouse = _stage(manifest, translator, lambda node: node["unique_id"] not in taken)
    extracted = {source.name: _raw_keys(source, settings) for source in settings.sources}
    return [
        *(_extraction(source, extracted[source.name]) for source in settings.sources),
        _entry(entry, extracted, settings),
        _identity(identity, entry),
        _warehouse(warehouse),
        _candidate(warehouse, identity),
        _published(),
    ]


def _extraction(source: Source, keys: Mapping[str, dg.AssetKey]) -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(key, group_name=f"extract_{source.name}", kinds={source.kind}) for key in keys.values()
    ]

    @dg.multi_asset(
        name=f"extract_{source.name}",
        specs=specs,
        pool="landing",
        required_resource_keys={"run"},
        retry_policy=_EXTRACTION_RETRIES if source.kind != "files" else None,
    )
    def extract(context: dg.AssetExecutionContext) -> Results:
        run: Run = context.resources.run
        with _as_failure():
            result = steps.extract_source(run, source)
        entities = {each.entity: each for each in result.entities} if result else {}
        for entity, key in keys.items():
            about = entities.get(entity)
            metadata = (
                {
                    "rows_read": about.rows_read,
                    "rows_rejected": about.rows_rejected,
                    "rows_appended": about.rows_appended,
                    "rows_deleted": about.rows_deleted,
                    "seconds": round(about.seconds, 3),
                    "unchanged": about.skipped,
                }
                if about
                else {"read": False}
            )
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    return extract


def _entry(
    stage: _Stage, extracted: Mapping[str, Mapping[str, dg.AssetKey]], settings: Settings
) -> dg.AssetsDefinition:
    """dbt does not know which sources a configuration has; their part of the lineage is added here."""

    def tables_read(spec: dg.AssetSpec) -> list[dg.AssetKey]:
        """The extracted tables behind a vendor's model, which dbt calls [raw_<kind>, table]."""
        return [
            dg.AssetKey([source.name, dep.asset_key.path[1]])
            for dep in spec.deps
            for source in settings.sources
            if dep.asset_key.path[0] == f"raw_{source.kind}"
        ]

    specs = [
        spec.merge_attributes(
            deps=[keys[spec.key.path[-1]] for keys in extracted.values() if spec.key.path[-1] in keys]
        )
        if spec.key.path[0] == "entry"
        else spec.merge_attributes(deps=[key for keys in extracted.values() for key in keys.values()])
        if spec.key.path[0] == _WRITTEN_BEFORE_ENTRY
        else spec.replace_attributes(deps=tables_read(spec))
        if spec.key.path[0] == _MAPPED_BY_SQL
        else spec
        for spec in stage.specs
    ]

    @dg.multi_asset(
        name="entry", specs=specs, check_specs=list(stage.checks.values()), required_resource_keys={"run"}
    )
    def entry(context: dg.AssetExecutionContext) -> Results:
        yield from _built(context.resources.run, stage, steps.build_entry)

    return entry


def _identity(stage: _Stage, entry: _Stage) -> dg.AssetsDefinition:
    read = [spec.key for spec in entry.specs if spec.key.path[0] == "entry"]
    specs = [spec.merge_attributes(deps=read, kinds={"python"}) for spec in stage.specs]

    @dg.multi_asset(name="identity", specs=specs, required_resource_keys={"run"})
    def identity(context: dg.AssetExecutionContext) -> Results:
        run: Run = context.resources.run
        with _as_failure():
            steps.resolve_identities(run)
        for spec in stage.specs:
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata={"seconds": round(run.seconds["identity"], 3)}
            )

    return identity


def _warehouse(stage: _Stage) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="warehouse",
        specs=stage.specs,
        check_specs=list(stage.checks.values()),
        required_resource_keys={"run"},
    )
    def warehouse(context: dg.AssetExecutionContext) -> Results:
        yield from _built(context.resources.run, stage, steps.build_warehouse)

    return warehouse


def _candidate(warehouse: _Stage, identity: _Stage) -> dg.AssetsDefinition:
    @dg.asset(
        name="candidate",
        deps=[spec.key for stage in (warehouse, identity) for spec in stage.specs],
        check_specs=AUDIT_CHECK_SPECS,
        group_name="publish",
        required_resource_keys={"run"},
        description="What will be published, in a private folder; its checks are the audit.",
    )
    def candidate(context: dg.AssetExecutionContext) -> Results:
        run: Run = context.resources.run
        with _as_failure():
            report = steps.write_and_audit(run)
        yield dg.MaterializeResult(
            metadata={
                "tables": len(report.rows),
                "rows": sum(report.rows.values()),
                "seconds": round(run.seconds["audit"], 3),
                "content_hash": report.content_hash,
            },
            check_results=audit_results(report),
        )

    return candidate


def _published() -> dg.AssetsDefinition:
    @dg.asset(
        name="published",
        deps=["candidate"],
        group_name="publish",
        required_resource_keys={"run"},
        description="The version analysts and BI tools read.",
    )
    def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        run: Run = context.resources.run
        with _as_failure():
            version = steps.publish_candidate(run)
        return dg.MaterializeResult(
            metadata={
                "version": version.name,
                "content_hash": version.manifest["content_hash"],
                "rows": sum(table["rows"] for table in version.manifest["tables"].values()),
                "seconds": round(run.seconds["publish"], 3),
            }
        )

    return published


def _built(run: Run, stage: _Stage, step: Callable[[Run, Callable[[NodeResult], None]], None]) -> Results:
    """Run a dbt step; what was built and tested is reported also when it fails."""
    nodes: list[NodeResult] = []
    failure: dg.Failure | None = None
    try:
        with _as_failure():
            step(run, nodes.append)
    except dg.Failure as raised:
        failure = raised
    by_id = {node.unique_id: node for node in nodes}
    if failure is None:
        for unique_id, key in stage.keys.items():
            node = by_id.get(unique_id)
            yield dg.MaterializeResult(asset_key=key, metadata=_node_metadata(node) if node else {})
    for unique_id, check in stage.checks.items():
        node = by_id.get(unique_id)
        if node is not None and node.status != "skipped":
            yield dg.AssetCheckResult(
                asset_key=check.asset_key,
                check_name=check.name,
                passed=node.status == "pass",
                severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
                metadata=_node_metadata(node) | {"failures": node.failures},
            )
    if failure is not None:
        raise failure


def _node_metadata(node: NodeResult) -> dict[str, Any]:
    metadata: dict[str, Any] = {"seconds": round(node.seconds, 3)}
    return metadata if node.rows is None else metadata | {"rows": node.rows}


def _stage(
    manifest: Mapping[str, Any], translator: _Translator, belongs: Callable[[Mapping[str, Any]], bool]
) -> _Stage:
    nodes = {**manifest["sources"], **manifest["nodes"]}
    members = {
        unique_id: node
        for unique_id, node in nodes.items()
        if node["resource_type"] in ("model", "seed", "source") and belongs(node)
    }
    specs = {
        unique_id: translator.get_asset_spec(manifest, unique_id, None).replace_attributes(skippable=False)
        for unique_id in members
    }
    # Dagster wants the assets of one step in an order in which none comes before one it depends on.
    by_key = {spec.key: unique_id for unique_id, spec in specs.items()}
    sorter = TopologicalSorter(
        {
            unique_id: {by_key[dep.asset_key] for dep in spec.deps if dep.asset_key in by_key}
            for unique_id, spec in specs.items()
        }
    )
    ordered = {unique_id: specs[unique_id] for unique_id in sorter.static_order()}
    checks: dict[str, dg.AssetCheckSpec] = {}
    for unique_id, spec in ordered.items():
        for child in manifest["child_map"].get(unique_id, ()):
            if child.startswith("test."):
                check = translator.get_asset_check_spec(spec, manifest, child, None)
                if check is None:
                    # A test of several models that names none is shown at the last of them.
                    checks[child] = dg.AssetCheckSpec(name=manifest["nodes"][child]["name"], asset=spec.key)
                elif check.asset_key == spec.key:
                    checks[child] = check
    keys = {unique_id: spec.key for unique_id, spec in ordered.items()}
    return _Stage(list(ordered.values()), checks, keys)


def _raw_keys(source: Source, settings: Settings) -> dict[str, dg.AssetKey]:
    """[source, entity] for every entity the source is configured to give; [source] alone if none can be
    told.
    """
    if isinstance(source, FilesSource) and source.entities is None:
        folder = settings.root / source.path
        stems = {path.stem for path in folder.glob("*")} if folder.is_dir() else set()
        entities = [entity for entity in entry_contract() if entity in stems]
    else:
        entities = list(source.entities or ())
    if isinstance(source, VendorSource):
        entities += raw_contract(source.kind)
    return {entity: dg.AssetKey([source.name, entity]) for entity in entities} or {
        "": dg.AssetKey([source.name])
    }


class _as_failure:
    """Dagster stores what a step raises: let it store the sentence, which is free of secrets, and not the
    traceback.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, failure: BaseException | None, trace: object) -> None:
        if isinstance(failure, RevopsError):
            retry = not isinstance(failure, ConfigurationError)
            raise dg.Failure(description=str(failure), allow_retries=retry) from None
