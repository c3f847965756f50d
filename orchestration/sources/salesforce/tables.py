"""The objects that are read. What they become is in models/sources/salesforce/."""

from dataclasses import dataclass
from datetime import timedelta

from orchestration.sources.api.connector import Table

# Change when somebody looks at a record, not when it changes.
_LOOKED_AT = frozenset({"LastViewedDate", "LastReferencedDate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SObject(Table):
    """An object of the org. An `optional` one may be missing there, or switched off; it is empty then."""

    optional: bool = False


def _object(name: str, path: str, *, optional: bool = False, deletable: bool = True) -> SObject:
    return SObject(
        name=name,
        path=path,
        cursor="system_modstamp",
        deleted="is_deleted" if deletable else None,
        ignore=_LOOKED_AT,
        permission=f"Read on {path}",
        optional=optional,
    )


def _history(name: str, path: str, *, optional: bool = False) -> SObject:
    """Rows are written once. Salesforce drops them after 18 months or more; then ours are the only ones."""
    return SObject(
        name=name,
        path=path,
        cursor="created_date",
        lag=timedelta(hours=3),
        complete=False,
        permission=f"Read on {path}",
        optional=optional,
    )


TABLES = (
    _object("user", "User", deletable=False),
    _object("user_role", "UserRole", optional=True, deletable=False),
    _object("account", "Account"),
    _object("contact", "Contact"),
    _object("lead", "Lead"),
    _history("lead_history", "LeadHistory", optional=True),
    _object("opportunity", "Opportunity"),
    _history("opportunity_history", "OpportunityHistory"),
    _history("opportunity_field_history", "OpportunityFieldHistory", optional=True),
    _object("opportunity_contact_role", "OpportunityContactRole"),
    _object("campaign", "Campaign", optional=True),
    _object("campaign_member", "CampaignMember", optional=True),
    _object("task", "Task"),
    _object("event", "Event"),
)
