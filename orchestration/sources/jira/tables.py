"""Jira's tables: what they are known by, how what changed is found, what of an issue is left out."""

from datetime import timedelta

from orchestration.sources.api.connector import Table

# The search index may be behind by twelve hours, and one hour of the year is there twice in local time.
_LAG = timedelta(hours=12 + 1)
# Fields whose changes become rows; at most ten may be asked for.
LOGGED = ("status", "assignee", "duedate", "resolution")
# Texts and files, which nothing counts, and what differs by the day or by who asks.
LEFT_OUT = ("comment", "description", "environment", "attachment", "worklog", "lastViewed", "workratio")

TABLES = (
    Table(
        name="user", path="/rest/api/3/users/search", key="account_id", permission="Browse users and groups"
    ),
    Table(
        name="issue",
        path="/rest/api/3/search/jql",
        cursor="updated",
        lag=_LAG,
        permission="Browse projects, in every project that counts",
    ),
    Table(
        name="change",
        path="/rest/api/3/changelog/bulkfetch",
        cursor="created",
        lag=_LAG,
        complete=False,
        permission="Browse projects, in every project that counts",
    ),
)
# What Jira calls the rights.
RIGHTS = {"user": "USER_PICKER", "issue": "BROWSE_PROJECTS", "change": "BROWSE_PROJECTS"}
