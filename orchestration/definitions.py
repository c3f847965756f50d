"""What Dagster loads: assets, job, schedule and the resource that stands for one run."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console

from orchestration import transform
from orchestration.assets import warehouse_assets
from orchestration.reporter import Reporter
from orchestration.run import Run, RunOptions, open_run
from orchestration.schedules import JOB_NAME, daily, watchers
from orchestration.settings import Settings, config_path, home_folder, load_settings


def assemble(
    settings: Settings,
    manifest: Mapping[str, Any],
    run: dg.ResourceDefinition,
    sensors: Sequence[dg.SensorDefinition] = (),
) -> dg.Definitions:
    """All definitions for one configuration and dbt project; `run` gives assets the run they belong to."""
    job = dg.define_asset_job(
        JOB_NAME, selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor
    )
    return dg.Definitions(
        assets=warehouse_assets(settings, manifest),
        jobs=[job],
        schedules=[daily(settings)],
        sensors=sensors,
        resources={"run": run},
        executor=dg.in_process_executor,
    )


def existing_run(run: Run) -> dg.ResourceDefinition:
    """The resource for a run that is open already."""
    return dg.ResourceDefinition.hardcoded_resource(run)


def new_run(settings: Settings, home: Path) -> dg.ResourceDefinition:
    """The resource that opens a run, with its lock and log, for as long as a Dagster run lasts."""

    @dg.resource(
        config_schema={
            "as_of": dg.Field(
                str, is_required=False, description="Last day that exists, YYYY-MM-DD; today if left out"
            ),
            "known_at": dg.Field(
                str, is_required=False, description="Rebuild what was known at this time (UTC)"
            ),
            "full_refresh": dg.Field(bool, default_value=False),
            "allow_stale": dg.Field(bool, default_value=False),
            "allow_shrink": dg.Field(bool, default_value=False),
        }
    )
    def run(context: dg.InitResourceContext) -> Iterator[Run]:
        with ExitStack() as stack:
            options = _options(context.resource_config)
            yield stack.enter_context(open_run(settings, home, options, Reporter(Console(stderr=True))))

    return run


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the configuration and home folder of the environment."""
    settings = load_settings(config_path())
    home = home_folder()
    return assemble(settings, transform.manifest(settings), new_run(settings, home), watchers(settings, home))


def _options(config: dict[str, Any]) -> RunOptions:
    known_at = datetime.fromisoformat(config["known_at"]) if "known_at" in config else None
    return RunOptions(
        as_of=date.fromisoformat(config["as_of"]) if "as_of" in config else None,
        known_at=known_at.astimezone(UTC).replace(tzinfo=None) if known_at and known_at.tzinfo else known_at,
        full_refresh=config["full_refresh"],
        allow_stale=config["allow_stale"],
        allow_shrink=config["allow_shrink"],
    )
