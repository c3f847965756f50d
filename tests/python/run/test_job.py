"""The Dagster job in this process: it runs the same steps, and its history is what `revops ui` shows."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from pretend import PretendedModels, quiet_reporter, write_company

from orchestration.errors import AuditFailed, RevopsError
from orchestration.job import execute
from orchestration.publish.versions import versions
from orchestration.run import Run, RunOptions, open_run
from orchestration.run_history import open_instance
from orchestration.settings import Settings


def _run(settings: Settings, home: Path, **options: object) -> Run:
    with open_run(settings, home, RunOptions(as_of=date(2026, 3, 31), **options), quiet_reporter()) as run:
        execute(run)
    return run


def test_a_run_is_found_in_the_instance_with_rows_and_seconds(
    tmp_path: Path, models: PretendedModels
) -> None:
    run = _run(write_company(tmp_path), tmp_path / "home")

    with open_instance(tmp_path / "home") as instance:
        (recorded,) = instance.get_runs()
        metadata = {
            key: instance.get_latest_materialization_event(
                dg.AssetKey(key.split("/"))
            ).asset_materialization.metadata
            for key in ("published", "acme/accounts", "metrics/kpi_values", "identity/account_members")
        }
    assert run.version is not None
    assert recorded.status == dg.DagsterRunStatus.SUCCESS
    assert recorded.tags["revops/run_id"] == run.run_id
    assert metadata["published"]["version"].value == run.version.name
    assert metadata["acme/accounts"]["rows_appended"].value == 1
    assert all("seconds" in found for found in metadata.values())


def test_a_failing_source_leaves_the_rest_of_the_graph_out(tmp_path: Path, models: PretendedModels) -> None:
    settings = write_company(tmp_path)
    (tmp_path / "acme" / "accounts.csv").unlink()

    with pytest.raises(RevopsError, match=r"acme.*Nothing was published"):
        _run(settings, tmp_path / "home")

    with open_instance(tmp_path / "home") as instance:
        (recorded,) = instance.get_runs()
        assert recorded.status == dg.DagsterRunStatus.FAILURE
        assert instance.get_latest_materialization_event(dg.AssetKey(["zeta", "accounts"])) is not None
        assert instance.get_latest_materialization_event(dg.AssetKey(["entry", "accounts"])) is None
    assert versions(tmp_path / "home") == []


def test_a_failed_audit_blocks_publication_and_is_shown_as_a_failed_check(
    tmp_path: Path, models: PretendedModels
) -> None:
    models.reconciliation = "mismatch"

    with pytest.raises(AuditFailed, match=r"operations.reconciliation has 1 rows"):
        _run(write_company(tmp_path), tmp_path / "home")

    with open_instance(tmp_path / "home") as instance:
        (recorded,) = instance.get_runs()
        evaluations = [
            record.dagster_event.asset_check_evaluation_data
            for record in instance.all_logs(
                recorded.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
            )
        ]
    failed = [(each.asset_key.to_user_string(), each.check_name) for each in evaluations if not each.passed]
    assert failed == [("candidate", "rows_and_money_reconcile_with_the_sources")]
    assert versions(tmp_path / "home") == []


def test_a_failed_test_is_a_failed_check_and_stops_the_graph(tmp_path: Path, models: PretendedModels) -> None:
    name = "unique_grain_accounts_account_id"
    models.tests[name] = "fail"

    with pytest.raises(AuditFailed, match=f"the test {name} found 2 rows"):
        _run(write_company(tmp_path), tmp_path / "home")

    with open_instance(tmp_path / "home") as instance:
        assert instance.get_latest_materialization_event(dg.AssetKey("candidate")) is None


def test_no_extraction_asset_runs_without_extraction(tmp_path: Path, models: PretendedModels) -> None:
    settings = write_company(tmp_path)
    _run(settings, tmp_path / "home")
    run = _run(settings, tmp_path / "home", extract=False, full_refresh=True)

    assert run.extracted == {} and run.version is not None


def test_what_dagster_stores_of_an_unexpected_failure_holds_no_secret(
    tmp_path: Path, models: PretendedModels
) -> None:
    models.failure = RuntimeError("postgresql://reader:canary-4711@db/crm")

    with pytest.raises(RevopsError, match="unexpected RuntimeError"):
        _run(write_company(tmp_path), tmp_path / "home")

    written = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert [path for path in written if b"canary-4711" in path.read_bytes()] == []


def test_dagster_is_left_out_when_nothing_changed(tmp_path: Path, models: PretendedModels) -> None:
    settings = write_company(tmp_path)
    published = _run(settings, tmp_path / "home")
    again = _run(settings, tmp_path / "home")

    assert published.version is not None and again.unchanged
    with open_instance(tmp_path / "home") as instance:
        assert len(instance.get_runs()) == 1
