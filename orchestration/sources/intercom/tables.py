"""Intercom's tables: where they lie, what they are known by, how what changed is found."""

from datetime import timedelta

from orchestration.sources.api.connector import Table

# Contacts are found by the day they changed on, whatever second is asked for.
_CONTACT_LAG = timedelta(hours=25)
# The same in each record, or moved by somebody who only looked.
_SAID_TWICE = frozenset({"type", "avatar", "last_seen_at"})

TABLES = (
    Table(
        name="contact",
        path="/contacts/search",
        cursor="updated_at",
        lag=_CONTACT_LAG,
        whole_every=timedelta(days=1),
        ignore=_SAID_TWICE,
        permission="Read and list users and companies",
    ),
    Table(
        name="company",
        path="/companies/scroll",
        ignore=_SAID_TWICE,
        permission="Read and list users and companies",
    ),
    Table(
        name="conversation",
        path="/conversations/search",
        cursor="updated_at",
        whole_every=timedelta(days=7),
        ignore=_SAID_TWICE,
        permission="Read conversations",
    ),
    Table(
        name="ticket",
        path="/tickets/search",
        cursor="updated_at",
        whole_every=timedelta(days=7),
        ignore=_SAID_TWICE,
        permission="Read tickets",
    ),
    Table(
        name="admin",
        path="/admins",
        ignore=_SAID_TWICE | {"away_mode_enabled", "away_mode_reassign", "away_status_reason_id"},
        permission="Read admins",
    ),
    Table(name="team", path="/teams", ignore=_SAID_TWICE, permission="Read admins"),
)
