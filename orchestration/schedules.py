"""When the warehouse runs by itself."""

import dagster as dg

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
