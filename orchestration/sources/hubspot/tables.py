"""HubSpot's tables: where they lie, what they are known by, how what changed is found."""

from datetime import timedelta

from orchestration.sources.api.connector import Table

# The search index is behind the objects by up to an hour.
_INDEX_LAG = timedelta(hours=1)
# The archive, by which deletes are seen, keeps objects for 90 days.
_ARCHIVE = timedelta(days=80)

# Object → the right it needs and the property that says when it changed; contacts have another one.
_CHANGED = "hs_lastmodifieddate"
CHANGED = {"contacts": "lastmodifieddate"}
OBJECTS = {
    "companies": "crm.objects.companies.read",
    "contacts": "crm.objects.contacts.read",
    "deals": "crm.objects.deals.read",
    "tickets": "tickets",
    "calls": "crm.objects.contacts.read",
    "meetings": "crm.objects.contacts.read",
    "emails": "sales-email-read",
    "tasks": "crm.objects.contacts.read",
}
# What a raw table is called that holds the records of an object.
ONE = {
    "companies": "company",
    "contacts": "contact",
    "deals": "deal",
    "tickets": "ticket",
    "calls": "call",
    "meetings": "meeting",
    "emails": "email",
    "tasks": "task",
}
OBJECT_OF = {one: name for name, one in ONE.items()}
# Objects that can be merged: the other one's id is gone, and stands on the one that stayed.
MERGED = ("companies", "contacts", "deals", "tickets")
ASSOCIATED = {
    "deals": ("companies", "contacts"),
    "tickets": ("companies", "contacts"),
    "calls": ("contacts", "companies", "deals"),
    "meetings": ("contacts", "companies", "deals"),
    "emails": ("contacts", "companies", "deals"),
    "tasks": ("companies", "deals"),
}
# Properties whose former values become changes of deals and stages of the funnel.
HISTORY = {
    "deals": (
        "dealstage",
        "amount",
        "closedate",
        "hubspot_owner_id",
        "hs_manual_forecast_category",
        "hs_deal_stage_probability",
    ),
    "contacts": ("lifecyclestage",),
}


def changed_property(name: str) -> str:
    """The property by which changes of an object are found."""
    return CHANGED.get(name, _CHANGED)


TABLES = (
    *(
        Table(
            name=ONE[name],
            path=f"/crm/v3/objects/{name}",
            cursor="updated_at",
            feed=_ARCHIVE,
            lag=_INDEX_LAG,
            deleted="archived",
            permission=permission,
        )
        for name, permission in OBJECTS.items()
    ),
    Table(name="merge", path="/crm/v3/objects", permission=OBJECTS["contacts"]),
    Table(name="association", path="/crm/v4/associations", permission=OBJECTS["deals"]),
    Table(
        name="property_history",
        path="/crm/v3/objects",
        cursor="occurred_at",
        feed=_ARCHIVE,
        lag=_INDEX_LAG,
        complete=False,
        permission=OBJECTS["deals"],
    ),
    Table(name="owner", path="/crm/v3/owners", deleted="archived", permission="crm.objects.owners.read"),
    Table(name="pipeline_stage", path="/crm/v3/pipelines", deleted="archived", permission=OBJECTS["deals"]),
    Table(name="campaign", path="/marketing/v3/campaigns", permission="marketing.campaigns.read"),
    Table(name="email_campaign", path="/email/public/v1/campaigns", permission="content"),
    Table(
        name="email_event",
        path="/email/public/v1/events",
        cursor="created",
        lag=timedelta(days=1),
        complete=False,
        permission="content",
    ),
    Table(
        name="form_submission",
        path="/form-integrations/v1/submissions/forms",
        cursor="submitted_at",
        complete=False,
        permission="forms",
    ),
    Table(name="list", path="/crm/v3/lists/search", permission="crm.lists.read"),
)
