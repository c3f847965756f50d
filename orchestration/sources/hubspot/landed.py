"""HubSpot as Fivetran and Airbyte land it, read as the records of its API."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from orchestration.sources.hubspot.records import (
    Record,
    association,
    crm_object,
    former_value,
    merge,
    merged_ids,
    moment,
    stage,
    submission,
)
from orchestration.sources.hubspot.tables import ASSOCIATED, MERGED, OBJECTS, ONE
from orchestration.sources.landed.schema import LandedSchema
from orchestration.sources.landed.services import is_true
from orchestration.sources.landed.tables import Fields, LandedTable, text

Records = Callable[[Fields, bool], Iterable[Record]]

_ENGAGEMENTS = ("calls", "meetings", "emails", "tasks")
_IDS = {
    **{name: (f"{ONE[name]}_id", "id") for name in MERGED},
    **dict.fromkeys(_ENGAGEMENTS, ("engagement_id", "id")),
}
_PREFIXES = ("property_", "properties_")
# What Fivetran keeps beside the properties, or calls otherwise than HubSpot did.
_BESIDE = {
    "deal_pipeline_id": "pipeline",
    "deal_pipeline_stage_id": "dealstage",
    "owner_id": "hubspot_owner_id",
    "start_time": "hs_meeting_start_time",
    "meeting_outcome": "hs_meeting_outcome",
}


def _properties(fields: Fields) -> Iterator[tuple[str, Any]]:
    whole = fields.get("properties")
    if isinstance(whole, dict):
        yield from whole.items()
        return
    for name, value in fields.items():
        if name in _BESIDE:
            yield _BESIDE[name], value
    for name, value in fields.items():
        for prefix in _PREFIXES:
            if name.startswith(prefix):
                yield name.removeprefix(prefix), value


def _object(name: str) -> Records:
    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        properties = {key: text(value) for key, value in _properties(fields) if value is not None}
        yield crm_object(
            str(text(fields.first(*_IDS[name]))),
            properties,
            archived=gone or is_true(fields.get("archived")) or is_true(fields.get("is_deleted")),
            created_at=fields.first("createdAt") or properties.get("createdate"),
            updated_at=fields.first("updatedAt")
            or properties.get("hs_lastmodifieddate")
            or properties.get("lastmodifieddate"),
        )

    return records


def _merged(name: str) -> Records:
    """Whoever was merged into this object, as the object itself says."""

    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        kept = str(text(fields.first(*_IDS[name])))
        for lost in merged_ids(dict(_properties(fields)).get("hs_merged_object_ids")):
            yield merge(name, lost, kept)

    return records


def _merge_of(name: str, lost: str, kept: str) -> Records:
    """Fivetran: one row per merge."""

    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        if not gone:
            yield merge(name, str(text(fields.get(lost))), str(text(fields.get(kept))))

    return records


def _pair(from_object: str, to_object: str) -> Records:
    """Fivetran: one row per pair and kind of association."""

    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        of, to = (text(fields.get(f"{ONE[name]}_id")) for name in (from_object, to_object))
        if not gone and of and to:
            yield association(from_object, of, to_object, to, fields.get("label"))

    return records


def _pair_of_engagement(to_object: str) -> Records:
    """Fivetran: the pairs of all kinds of engagements in one table."""
    kinds = {ONE[name].upper(): name for name in _ENGAGEMENTS}

    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        from_object = kinds.get(str(fields.get("engagement_type")).upper())
        of, to = text(fields.get("engagement_id")), text(fields.get(f"{ONE[to_object]}_id"))
        if from_object and not gone and of and to:
            yield association(from_object, of, to_object, to)

    return records


def _pairs(from_object: str) -> Records:
    """Airbyte: the ids of the others in lists on the object."""

    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        for to_object in ASSOCIATED[from_object]:
            others = fields.get(to_object)
            # A pair comes twice where an object has a label besides its kind.
            for other in dict.fromkeys(map(str, others if isinstance(others, list) else ())):
                if not gone:
                    yield association(from_object, str(text(fields["id"])), to_object, other)

    return records


def _history(name: str) -> Records:
    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        version = {
            "timestamp": fields.first("timestamp", "timestamp_instant"),
            "value": text(fields.get("value")),
            "sourceType": fields.first("sourceType", "source"),
            "updatedByUserId": text(fields.get("updatedByUserId")),
        }
        id_ = text(fields.first(f"{ONE[name]}_id", "vid"))
        yield former_value(name, str(id_), str(fields.first("name", "property")), version)

    return records


def _owner(fields: Fields, gone: bool) -> Iterator[Record]:
    yield {
        **{name: value for name, value in fields.items() if name not in ("owner_id", "active_user_id")},
        "id": text(fields.first("owner_id", "id")),
        "userId": text(fields.first("userId", "active_user_id")),
        "archived": gone or is_true(fields.get("archived")),
    }


def _with_team(schema: LandedSchema, latest: str) -> str:
    """Fivetran: teams of owners lie in tables of their own."""
    if not {"owner_team", "team"} <= schema.tables.keys():
        return latest
    primary = (
        "cast(is_team_primary as boolean)" if "is_team_primary" in schema.tables["owner_team"] else "true"
    )
    return (
        f"select owner.*, primary_team.team from ({latest}) as owner left join ("
        "select owner_team.owner_id, min(team.name) as team"
        f" from {schema.relation('owner_team')} as owner_team"
        f" join {schema.relation('team')} as team on team.id = owner_team.team_id"
        f" where {primary} group by owner_team.owner_id) as primary_team"
        " on primary_team.owner_id = owner.owner_id"
    )


def _stage(name: str) -> Records:
    """Fivetran: one row per stage."""

    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        about = {"isClosed": fields.get("is_closed"), "probability": fields.get("probability")}
        if about["isClosed"] is None:
            about = {"ticketState": fields.get("ticket_state")}
        each = {
            "id": text(fields.get("stage_id")),
            "label": fields.get("label"),
            "displayOrder": fields.get("display_order"),
            "metadata": about,
            "archived": gone,
        }
        yield stage(
            name, {"id": text(fields.get("pipeline_id")), "label": fields.get("pipeline_label")}, each
        )

    return records


def _stages(name: str) -> Records:
    """Airbyte: the stages in a list on the pipeline."""

    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        pipeline = {
            "id": text(fields.first("pipelineId", "id")),
            "label": fields.get("label"),
            "archived": gone or is_true(fields.get("archived")),
        }
        stages = fields.get("stages")
        yield from (stage(name, pipeline, each) for each in (stages if isinstance(stages, list) else ()))

    return records


def _sent(fields: Fields, gone: bool) -> Iterator[Record]:
    """What has an id and a time in milliseconds or not: campaigns and events of e-mails."""
    yield {**fields, "id": text(fields["id"])} | (
        {"created": moment(fields["created"])} if "created" in fields else {}
    )


def _submission(fields: Fields, gone: bool) -> Iterator[Record]:
    given = {
        "conversionId": text(fields.get("conversionId")),
        "contactId": text(fields.get("contact_id")),
        "submittedAt": fields.first("submittedAt", "timestamp"),
        "values": fields.get("values"),
        "pageUrl": fields.get("pageUrl"),
    }
    yield submission({"id": text(fields.first("formId", "form_id"))}, given)


def _tables() -> Iterator[LandedTable]:
    for name in OBJECTS:
        one, engagement = ONE[name], name in _ENGAGEMENTS
        airbyte = f"engagements_{name}" if engagement else name
        yield LandedTable(
            raw=one,
            records=_object(name),
            key=_IDS[name],
            fivetran=f"engagement_{one}" if engagement else one,
            airbyte=airbyte,
            objects=("properties",),
        )
        if name in ASSOCIATED:
            others = ASSOCIATED[name]
            yield LandedTable(raw="association", records=_pairs(name), airbyte=airbyte, objects=others)
            for other in () if engagement else others:
                yield LandedTable(
                    raw="association",
                    records=_pair(name, other),
                    key=(f"{one}_id", f"{ONE[other]}_id", "type_id"),
                    fivetran=f"{one}_{ONE[other]}",
                )
        if name in MERGED:
            yield LandedTable(
                raw="merge",
                records=_merged(name),
                key=_IDS[name],
                fivetran=one,
                airbyte=name,
                objects=("properties",),
            )
    for other in ("contacts", "companies", "deals"):
        yield LandedTable(
            raw="association",
            records=_pair_of_engagement(other),
            key=("engagement_id", f"{ONE[other]}_id", "type_id"),
            fivetran=f"engagement_{ONE[other]}",
        )
    for name in ("deals", "contacts"):
        yield LandedTable(
            raw="property_history",
            records=_history(name),
            key=(f"{ONE[name]}_id", f"{ONE[name]}id", "vid", "name", "property", "timestamp"),
            fivetran=f"{ONE[name]}_property_history",
            airbyte=f"{name}_property_history",
        )
    for name in ("deals", "tickets"):
        yield LandedTable(
            raw="pipeline_stage",
            records=_stage(name),
            key=("pipeline_id", "stage_id"),
            fivetran=f"{ONE[name]}_pipeline_stage",
        )
        yield LandedTable(
            raw="pipeline_stage",
            records=_stages(name),
            key=("pipelineid", "id"),
            airbyte=f"{ONE[name]}_pipelines",
            objects=("stages",),
        )


LANDED = (
    *_tables(),
    LandedTable(
        raw="merge",
        records=_merge_of("deals", "merged_deal_id", "deal_id"),
        key=("deal_id", "merged_deal_id"),
        fivetran="merged_deal",
    ),
    LandedTable(
        raw="merge",
        records=_merge_of("contacts", "vid_to_merge", "contact_id"),
        key=("contact_id", "vid_to_merge"),
        fivetran="contact_merge_audit",
    ),
    LandedTable(
        raw="owner",
        records=_owner,
        key=("owner_id", "id"),
        fivetran="owner",
        airbyte="owners",
        joined=_with_team,
    ),
    LandedTable(raw="email_event", records=_sent, fivetran="email_event", airbyte="email_events"),
    LandedTable(raw="email_campaign", records=_sent, fivetran="email_campaign", airbyte="campaigns"),
    LandedTable(
        raw="form_submission",
        records=_submission,
        key=("contact_id", "form_id", "formid", "conversion_id", "conversionid", "timestamp", "submittedat"),
        fivetran="contact_form_submission",
        airbyte="form_submissions",
        objects=("values",),
    ),
    LandedTable(raw="list", records=_sent, fivetran="contact_list", airbyte="contact_lists"),
)
