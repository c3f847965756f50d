"""Runs the Dagster job of a run in this process, and records it where `revops ui` finds it."""

import logging
import warnings

from orchestration.errors import RevopsError
from orchestration.run import INTERRUPTED, Run, is_unchanged, raise_if_failed
from orchestration.settings import switch_off_telemetry


def execute(run: Run) -> None:
    """Run every step of an open run as the Dagster job, and raise the RevopsError that stopped it, if one
    did. A run that would publish what is published ends before Dagster starts.
    """
    if is_unchanged(run):
        return
    with run.reporter.step("prepare"):
        # Imported only now: Dagster and dbt take seconds, and a run that finds the lock held should not need
        # them.
        switch_off_telemetry()
        warnings.filterwarnings("ignore", module="dagster")
        import dagster as dg

        from orchestration.definitions import assemble, existing_run
        from orchestration.run_history import close_dead_runs, open_instance
        from orchestration.schedules import JOB_NAME

        logging.getLogger("dagster").setLevel(logging.CRITICAL)
        definitions = assemble(run.settings, run.manifest, existing_run(run))
        job = definitions.resolve_job_def(JOB_NAME)
        wanted = {f"extract_{source.name}" for source in run.sources_to_extract}
        selection = [
            key
            for asset in definitions.assets or ()
            if isinstance(asset, dg.AssetsDefinition)
            and (not asset.op.name.startswith("extract_") or asset.op.name in wanted)
            for key in asset.keys
        ]
    with open_instance(run.home) as instance:
        close_dead_runs(instance, JOB_NAME)
        try:
            result = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                asset_selection=selection,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                # What died with the process is for the next run to repair, not for the daemon to repeat.
                tags={"revops/run_id": run.run_id, "dagster/max_retries": "0"},
            )
        except dg.DagsterExecutionInterruptedError:
            raise RevopsError(INTERRUPTED) from None
    raise_if_failed(run)
    if not result.success:
        for event in result.all_events:
            if event.is_step_failure and event.step_failure_data.error is not None:
                run.reporter.detail(event.step_failure_data.error.to_string())
        raise RevopsError(f"The run stopped before it could publish; {run.log_file} says where.")
