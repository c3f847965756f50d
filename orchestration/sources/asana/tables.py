"""Asana's tables: what they are known by, how what changed is found, which fields are asked for."""

from datetime import timedelta

from orchestration.sources.api.connector import Table

# What is asked for beside the id: by itself Asana gives little more than names.
FIELDS = {
    "user": ("name", "email"),
    "project": (
        "name",
        "archived",
        "created_at",
        "modified_at",
        "due_on",
        "owner",
        "team.name",
        "custom_fields.display_value",
    ),
    "task": (
        "name",
        "created_at",
        "modified_at",
        "completed",
        "completed_at",
        "due_on",
        "start_on",
        "assignee",
        "parent",
        "resource_subtype",
        "tags.name",
        "custom_fields.display_value",
        "custom_fields.number_value",
        "custom_fields.resource_subtype",
    ),
}

TABLES = (
    Table(name="user", path="/users", key="gid", permission="users:read"),
    Table(name="project", path="/projects", key="gid", permission="projects:read"),
    # Before the tasks: it tells which of them are still there.
    Table(name="membership", path="/tasks", permission="tasks:read"),
    Table(
        name="task",
        path="/tasks",
        key="gid",
        cursor="modified_at",
        lag=timedelta(hours=1),
        permission="tasks:read",
    ),
)
