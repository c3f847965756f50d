"""HubSpot's answers as records of the raw tables, whether from its API or landed by a service."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]

# Names of columns of ours: a property of the company's own that is called like one gets out of its way.
_OURS = frozenset({"id", "archived", "createdAt", "updatedAt", "created_at", "updated_at", "custom"})


def moment(value: object) -> object:
    """Version 1 of the API says times in milliseconds since 1970; everything else is as it should be."""
    if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(value))).isoformat()
    return value


def crm_object(
    id_: str,
    properties: Mapping[str, Any],
    *,
    archived: bool,
    created_at: object,
    updated_at: object,
) -> Record:
    """A CRM object: its properties beside its id. A cleared property is "", and counts as empty."""
    record = {f"property_{name}" if name in _OURS else name: value for name, value in properties.items()}
    record |= {"id": id_, "archived": archived, "createdAt": created_at, "updatedAt": updated_at}
    return record


def association(from_object: str, from_id: str, to_object: str, to_id: str, label: object = None) -> Record:
    """Two objects that belong together. Whoever was first in several such pairs is not told."""
    return {
        "id": f"{from_object}:{from_id}:{to_object}:{to_id}",
        "fromObject": from_object,
        "fromId": from_id,
        "toObject": to_object,
        "toId": to_id,
        "label": label,
    }


def merge(of: str, lost_id: str, kept_id: str) -> Record:
    """An object that was merged into another one."""
    return {"id": f"{of}:{lost_id}", "object": of, "lostId": lost_id, "keptId": kept_id}


def merged_ids(text: object) -> Iterator[str]:
    """The ids in hs_merged_object_ids."""
    for each in str(text or "").split(";"):
        if each.strip():
            yield each.strip()


def former_value(of: str, id_: str, name: str, version: Mapping[str, Any]) -> Record:
    """A value that a property had, and since when."""
    at = moment(version.get("timestamp"))
    return {
        "id": f"{of}:{id_}:{name}:{at}",
        "object": of,
        "objectId": id_,
        "property": name,
        "value": version.get("value"),
        "occurredAt": at,
        "sourceType": version.get("sourceType"),
        "updatedByUserId": version.get("updatedByUserId"),
    }


def stage(of: str, pipeline: Mapping[str, Any], each: Mapping[str, Any]) -> Record:
    """A stage of a pipeline."""
    pipeline_id = pipeline.get("id") or pipeline.get("pipelineId")
    stage_id = each.get("id") or each.get("stageId")
    about = each.get("metadata") or {}
    return {
        "id": f"{of}:{pipeline_id}:{stage_id}",
        "object": of,
        "pipelineId": pipeline_id,
        "pipelineLabel": pipeline.get("label"),
        "stageId": stage_id,
        "label": each.get("label"),
        "displayOrder": each.get("displayOrder"),
        "isClosed": about.get("isClosed", about.get("ticketState") == "CLOSED"),
        "probability": about.get("probability"),
        "archived": bool(pipeline.get("archived")) or bool(each.get("archived")),
    }


def submission(form: Mapping[str, Any], given: Mapping[str, Any]) -> Record:
    """What somebody filled in; the answers of a form beside each other, in an object."""
    values = given.get("values")
    answers = (
        {str(each.get("name")): each.get("value") for each in values} if isinstance(values, list) else {}
    )
    email, at, form_id = answers.get("email"), moment(given.get("submittedAt")), form.get("id")
    return {
        "id": given.get("conversionId") or f"{form_id}:{email}:{at}",
        "formId": form_id,
        "formName": form.get("name"),
        "contactId": given.get("contactId"),
        "email": email,
        "submittedAt": at,
        "pageUrl": given.get("pageUrl"),
        "answers": answers,
    }
