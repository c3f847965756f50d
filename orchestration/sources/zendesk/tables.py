"""Zendesk's tables: where they lie, what they are known by, how what changed is found."""

from datetime import timedelta

from orchestration.sources.api.connector import Table

# A rating may still change after it was given, and is found by when it was given.
_RATINGS_CHANGE_FOR = timedelta(days=30)
# The same in each record, or said elsewhere in it.
_SAID_TWICE = frozenset({"url", "fields", "raw_subject", "thumbnails", "photo"})

TABLES = (
    Table(
        name="ticket",
        path="/api/v2/incremental/tickets/cursor",
        cursor="generated_at",
        deleted="is_deleted",
        ignore=_SAID_TWICE,
        permission="tickets:read, and export for the API user",
    ),
    Table(
        name="user",
        path="/api/v2/incremental/users/cursor",
        cursor="updated_at",
        deleted="is_deleted",
        ignore=_SAID_TWICE | {"last_login_at"},
        permission="users:read, and export for the API user",
    ),
    Table(
        name="organization",
        path="/api/v2/incremental/organizations",
        cursor="updated_at",
        deleted="is_deleted",
        ignore=_SAID_TWICE,
        permission="organizations:read, and export for the API user",
    ),
    Table(
        name="group",
        path="/api/v2/groups",
        deleted="deleted",
        ignore=_SAID_TWICE,
        permission="groups:read",
    ),
    Table(
        name="satisfaction_rating",
        path="/api/v2/satisfaction_ratings",
        cursor="created_at",
        lag=_RATINGS_CHANGE_FOR,
        complete=False,
        ignore=_SAID_TWICE,
        permission="satisfaction_ratings:read",
    ),
)
