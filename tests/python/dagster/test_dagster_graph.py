"""The graph Dagster shows: every step from extraction to publication, with its lineage, checks and limits."""

from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.tags import MAX_RETRIES_TAG

from orchestration import transform
from orchestration.assets import warehouse_assets
from orchestration.definitions import assemble, existing_run
from orchestration.publish.audit import CHECKS
from orchestration.run_history import close_dead_runs, dagster_home, open_instance
from orchestration.schedules import JOB_NAME
from orchestration.settings import Settings, load_settings

CONFIG = """
reporting: {timezone: Europe/Berlin}
sources:
  - {name: acme, kind: files, path: acme}
  - {name: crm, kind: database, entities: {accounts: {table: account}, opportunities: {table: deal}}}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("config")
    (root / "acme").mkdir()
    (root / "acme" / "accounts.csv").write_text("source_id\n1\n")
    (root / "acme" / "notes.txt").write_text("nothing")
    (root / "revops.yml").write_text(CONFIG)
    return load_settings(root / "revops.yml")


@pytest.fixture(scope="module")
def assets(settings: Settings) -> dict[str, dg.AssetsDefinition]:
    return {asset.op.name: asset for asset in warehouse_assets(settings, transform.manifest())}


def _upstream(assets: dict[str, dg.AssetsDefinition], key: list[str]) -> set[str]:
    (asset,) = [each for each in assets.values() if dg.AssetKey(key) in each.keys]
    return {parent.to_user_string() for parent in asset.asset_deps[dg.AssetKey(key)]}


def test_every_source_entity_is_an_asset_of_its_own(assets: dict[str, dg.AssetsDefinition]) -> None:
    assert {key.to_user_string() for key in assets["extract_acme"].keys} == {"acme/accounts"}
    assert {key.to_user_string() for key in assets["extract_crm"].keys} == {
        "crm/accounts",
        "crm/opportunities",
    }
    for name in ("extract_acme", "extract_crm"):
        assert assets[name].op.pool == "landing"
    assert assets["extract_crm"].op.retry_policy is not None
    assert assets["extract_acme"].op.retry_policy is None


def test_lineage_leads_from_the_sources_to_the_published_file(settings: Settings) -> None:
    # No vendor is configured, so no model of one stands in between.
    found = warehouse_assets(settings, transform.manifest(settings))
    assets = {asset.op.name: asset for asset in found}
    assert _upstream(assets, ["entry", "accounts"]) == {"acme/accounts", "crm/accounts"}
    assert _upstream(assets, ["entry", "opportunities"]) == {"crm/opportunities"}
    assert "entry/accounts" in _upstream(assets, ["identity", "account_members"])
    assert {"entry/accounts", "identity/account_members"} <= _upstream(assets, ["revenue", "accounts"])
    assert "revenue/opportunities" in _upstream(assets, ["metrics", "win_rate"])
    assert "metrics/kpi_values" in _upstream(assets, ["candidate"])
    assert _upstream(assets, ["published"]) == {"candidate"}


def test_every_model_of_the_project_is_an_asset(assets: dict[str, dg.AssetsDefinition]) -> None:
    keys = {key.to_user_string() for asset in assets.values() for key in asset.keys}
    models = [node for node in transform.manifest()["nodes"].values() if node["resource_type"] == "model"]

    assert {f"{node['schema']}/{node['alias']}" for node in models} <= keys
    assert len(models) > 40


def test_dbt_tests_are_checks_of_the_model_they_test(assets: dict[str, dg.AssetsDefinition]) -> None:
    checks = {(key.asset_key.to_user_string(), key.name) for key in assets["warehouse"].check_keys}
    tests = [
        node["name"] for node in transform.manifest()["nodes"].values() if node["resource_type"] == "test"
    ]

    shown = {name for _, name in checks} | {key.name for key in assets["entry"].check_keys}
    assert set(tests) <= shown
    assert any(table == "revenue/accounts" and "unique_grain" in name for table, name in checks)


def test_the_audit_blocks_the_publication(assets: dict[str, dg.AssetsDefinition]) -> None:
    specs = list(assets["candidate"].check_specs)

    assert {spec.name for spec in specs} == set(CHECKS)
    assert all(spec.blocking for spec in specs)


def test_the_schedule_runs_daily_in_the_reporting_time_zone(settings: Settings) -> None:
    definitions = assemble(settings, transform.manifest(), existing_run(None))
    (schedule,) = definitions.schedules or ()

    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 5 * * *", "Europe/Berlin")
    assert schedule.job_name == JOB_NAME
    assert definitions.resolve_job_def(JOB_NAME).executor_def.name == dg.in_process_executor.name


def test_the_instance_is_private_quiet_and_runs_one_at_a_time(tmp_path: Path) -> None:
    folder = dagster_home(tmp_path)
    config = yaml.safe_load((folder / "dagster.yaml").read_text())

    with open_instance(tmp_path) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
    assert config["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert config["concurrency"]["pools"]["default_limit"] == 1


def test_a_changed_dagster_yaml_is_left_alone(tmp_path: Path) -> None:
    config = dagster_home(tmp_path) / "dagster.yaml"
    config.write_text("telemetry: {enabled: false}\n")

    assert dagster_home(tmp_path) == config.parent
    assert config.read_text() == "telemetry: {enabled: false}\n"


def test_events_survive_in_the_instance(tmp_path: Path) -> None:
    @dg.asset
    def something() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"rows": 7})

    with open_instance(tmp_path) as instance:
        result = dg.materialize([something], instance=instance)
        assert result.success
    with open_instance(tmp_path) as instance:
        (run,) = instance.get_runs()
        event = instance.get_latest_materialization_event(dg.AssetKey("something"))
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert event is not None and event.asset_materialization is not None
        assert event.asset_materialization.metadata["rows"].value == 7
        assert len(instance.all_logs(run.run_id)) > 5


def test_runs_of_dead_processes_are_closed_and_not_tried_again(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        dead = instance.create_run_for_job(
            dg.Definitions(jobs=[_empty_job()]).resolve_job_def(JOB_NAME),
            status=dg.DagsterRunStatus.STARTED,
            tags={MAX_RETRIES_TAG: "0"},
        )
        close_dead_runs(instance, JOB_NAME)

        closed = instance.get_run_by_id(dead.run_id)
        assert closed is not None and closed.status == dg.DagsterRunStatus.FAILURE


def _empty_job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None: ...

    @dg.job(name=JOB_NAME)
    def empty() -> None:
        nothing()

    return empty
