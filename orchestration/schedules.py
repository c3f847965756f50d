"""When the warehouse runs by itself, and what is watched between runs."""

import logging
from pathlib import Path

import dagster as dg

from orchestration import alerts
from orchestration.settings import Settings

JOB_NAME = "revops_run"


def daily(settings: Settings) -> dg.ScheduleDefinition:
    """Every day at five in the reporting time zone; switched on in the web server."""
    return dg.ScheduleDefinition(
        name="revops_run_daily",
        job_name=JOB_NAME,
        cron_schedule="0 5 * * *",
        execution_timezone=settings.reporting.timezone,
    )


def watchers(settings: Settings, home: Path) -> list[dg.SensorDefinition]:
    """A run says itself how it ended. These speak for one that died, and when none has run for too long."""

    @dg.run_failure_sensor(name="alert_on_a_dead_run", monitor_all_code_locations=False)
    def alert_on_a_dead_run(context: dg.RunFailureSensorContext) -> None:
        if context.dagster_run.job_name == JOB_NAME and not context.get_step_failure_events():
            sentence = "A run ended before it could say why; the next one makes good what it left."
            found = [alerts.Alert(f"dead:{context.dagster_run.run_id}", "A run died", sentence)]
            _log(context.log, alerts.send(settings, home, found, ()))

    @dg.sensor(name="alert_on_old_data", minimum_interval_seconds=3600)
    def alert_on_old_data(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        found = alerts.stale(settings, home)
        _log(context.log, alerts.send(settings, home, found, ("stale", "published")))
        return dg.SkipReason(f"{len(found)} sources are older than they may be.")

    return [alert_on_a_dead_run, alert_on_old_data]


def _log(log: logging.Logger, sentences: list[str]) -> None:
    for sentence in sentences:
        log.warning(sentence)
