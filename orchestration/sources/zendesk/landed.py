"""Zendesk as Fivetran and Airbyte land it, read as the records of its API."""

from collections.abc import Iterator

from orchestration.sources.landed.schema import LandedSchema
from orchestration.sources.landed.services import is_true
from orchestration.sources.landed.tables import Fields, LandedTable, Record
from orchestration.sources.zendesk.records import organization, ticket, user


def _ticket(fields: Fields, gone: bool) -> Iterator[Record]:
    metrics = {
        "reply_time_in_minutes": fields.get("reply_time_in_minutes"),
        "solved_at": fields.get("solved_at"),
        "reopens": fields.get("reopens"),
    }
    record = ticket(dict(fields), metrics)
    yield record | {
        "isDeleted": gone or record["isDeleted"],
        "firstRepliedAt": record["firstRepliedAt"] or fields.get("first_replied_at"),
    }


def _user(fields: Fields, gone: bool) -> Iterator[Record]:
    active = fields.get("active")
    yield user({**fields, "active": not gone and (active is None or is_true(active))})


def _organization(fields: Fields, gone: bool) -> Iterator[Record]:
    record = organization(dict(fields))
    yield record | {"isDeleted": gone or record["isDeleted"]}


def _other(fields: Fields, gone: bool) -> Iterator[Record]:
    yield {**fields, "deleted": gone or is_true(fields.get("deleted"))}


def _measured(schema: LandedSchema, latest: str) -> str:
    """Tickets with what is measured of them, which lies in other tables, or is worked out from them."""
    if "ticket_metrics" in schema.tables:
        return _with_metrics(schema, latest)
    columns, joins = "", ""
    if {"ticket_comment", "user"} <= schema.tables.keys():
        columns += ", replies.first_replied_at"
        joins += f"""
            left join (
                select comment.ticket_id, min(cast(comment.created as timestamp)) as first_replied_at
                from {schema.relation("ticket_comment")} as comment
                join {schema.relation("user")} as author on author.id = comment.user_id
                join ({latest}) as asked on asked.id = comment.ticket_id
                where author.role in ('agent', 'admin') and cast(comment.public as boolean)
                    and comment.user_id <> asked.requester_id
                group by comment.ticket_id
            ) as replies on replies.ticket_id = ticket.id"""
    if "ticket_field_history" in schema.tables:
        columns += ", solved.solved_at, solved.reopens"
        joins += f"""
            left join (
                select ticket_id, max(case when value = 'solved' then updated end) as solved_at,
                    sum(case when before = 'solved' and value not in ('solved', 'closed') then 1 else 0 end)
                        as reopens
                from (
                    select ticket_id, cast(updated as timestamp) as updated, value,
                        lag(value) over (partition by ticket_id order by cast(updated as timestamp)) as before
                    from {schema.relation("ticket_field_history")} as history
                    where field_name = 'status'
                ) as statuses
                group by ticket_id
            ) as solved on solved.ticket_id = ticket.id"""
    return f"select ticket.*{columns} from ({latest}) as ticket{joins}"


def _with_metrics(schema: LandedSchema, latest: str) -> str:
    there = schema.tables["ticket_metrics"]
    wanted = [name for name in ("reply_time_in_minutes", "solved_at", "reopens") if name in there]
    newest = "_airbyte_extracted_at desc, " if "_airbyte_extracted_at" in there else ""
    return f"""
        select ticket.*, {", ".join(f"measured.{name}" for name in wanted)}
        from ({latest}) as ticket
        left join (
            select metrics.*, row_number() over (partition by ticket_id order by {newest}id desc) as place
            from {schema.relation("ticket_metrics")} as metrics
        ) as measured on measured.ticket_id = ticket.id and measured.place = 1"""


def _with_domain(schema: LandedSchema, latest: str) -> str:
    """Fivetran: domains of organizations lie in a table of their own."""
    if "domain_name" not in schema.tables:
        return latest
    return (
        f"select organization.*, named.domain_name from ({latest}) as organization left join ("
        "select organization_id, domain_name, row_number() over (partition by organization_id order by"
        f" {'index' if 'index' in schema.tables['domain_name'] else 'domain_name'}, domain_name) as place"
        f" from {schema.relation('domain_name')} as domains) as named"
        " on named.organization_id = organization.id and named.place = 1"
    )


LANDED = (
    LandedTable(
        raw="ticket",
        records=_ticket,
        fivetran="ticket",
        airbyte="tickets",
        objects=("satisfaction_rating", "custom_fields", "via", "tags", "reply_time_in_minutes"),
        joined=_measured,
    ),
    LandedTable(
        raw="user",
        records=_user,
        fivetran="user",
        airbyte="users",
        objects=("user_fields", "tags"),
    ),
    LandedTable(
        raw="organization",
        records=_organization,
        fivetran="organization",
        airbyte="organizations",
        objects=("domain_names", "organization_fields", "tags"),
        joined=_with_domain,
    ),
    LandedTable(raw="group", records=_other, fivetran="group", airbyte="groups"),
    LandedTable(
        raw="satisfaction_rating",
        records=_other,
        fivetran="satisfaction_rating",
        airbyte="satisfaction_ratings",
    ),
)
