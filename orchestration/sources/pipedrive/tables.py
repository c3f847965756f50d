"""Pipedrive's tables: where they lie, what they are known by, how what changed is found."""

from datetime import timedelta

from orchestration.sources.api.connector import Table

# Deleted people, organizations and activities leave every list at once, as do those that were merged away.
_WHOLE = timedelta(days=1)
# Where the names and options of an object's fields are listed.
FIELDS = {
    "deal": "/api/v2/dealFields",
    "person": "/api/v2/personFields",
    "organization": "/api/v2/organizationFields",
    "activity": "/api/v2/activityFields",
}

TABLES = (
    Table(
        name="deal",
        path="/api/v2/deals",
        cursor="update_time",
        deleted="is_deleted",
        whole_every=_WHOLE,
        permission="deals:read",
    ),
    Table(
        name="deal_change",
        path="/api/v1/deals",
        cursor="log_time",
        # How far back changed deals are listed: as far as one likes.
        feed=timedelta.max,
        complete=False,
        permission="recents:read",
    ),
    Table(
        name="person",
        path="/api/v2/persons",
        cursor="update_time",
        deleted="is_deleted",
        whole_every=_WHOLE,
        permission="contacts:read",
    ),
    Table(
        name="organization",
        path="/api/v2/organizations",
        cursor="update_time",
        deleted="is_deleted",
        whole_every=_WHOLE,
        permission="contacts:read",
    ),
    Table(
        name="activity",
        path="/api/v2/activities",
        cursor="update_time",
        deleted="is_deleted",
        whole_every=_WHOLE,
        permission="activities:read",
    ),
    Table(name="stage", path="/api/v2/stages", deleted="is_deleted", permission="deals:read"),
    Table(name="user", path="/api/v1/users", deleted="is_deleted", permission="users:read"),
)
