"""Zendesk's answers as records of the raw tables, whether from its API or landed by a service."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration.sources.api.connector import flat

Record = dict[str, Any]


def ticket(each: Record, metrics: Mapping[str, Any] | None) -> Record:
    """A ticket with what Zendesk measured of it. A deleted one has lost its text and its measures."""
    record = _opened({**each, "isDeleted": each.get("status") == "deleted"}, "custom_fields")
    generated = each.get("generated_timestamp")
    if isinstance(generated, int | float):
        record["generatedAt"] = from_seconds(generated)
    record.pop("generated_timestamp", None)
    if metrics:
        minutes = metrics.get("reply_time_in_minutes") or {}
        record |= {
            "firstRepliedAt": _later(each.get("created_at"), minutes.get("calendar")),
            "solvedAt": metrics.get("solved_at"),
            "reopens": metrics.get("reopens"),
        }
    return record


def user(each: Record) -> Record:
    """Whoever asks or answers. A deleted user stays, inactive."""
    return _opened({**each, "isDeleted": not each.get("active", True)})


def organization(each: Record) -> Record:
    """A company; one domain is the domain, the others stay in a list."""
    domains = each.get("domain_names")
    return _opened(
        {
            **each,
            "isDeleted": each.get("deleted_at") is not None,
            "domain": domains[0] if isinstance(domains, list) and domains else each.get("domain_name"),
        }
    )


def from_seconds(seconds: float) -> str:
    """A time that Zendesk gives in seconds since 1970."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


def _later(at: object, minutes: object) -> str | None:
    """So many minutes after a time; Zendesk says how long a reply took, not when it came."""
    if not isinstance(at, str) or not isinstance(minutes, int | float):
        return None
    return (datetime.fromisoformat(at) + timedelta(minutes=minutes)).isoformat()


def _opened(record: Record, listed: str = "") -> Record:
    """Objects inside as fields of their own, and so the company's own fields, which come as a list of ids."""
    own = record.pop(listed, None) if listed else None
    found = flat(record)
    for each in own or ():
        if isinstance(each, dict) and each.get("value") not in (None, ""):
            found[f"custom_field_{each['id']}"] = each["value"]
    return found
