"""Intercom's answers as records of the raw tables: moments instead of seconds, names instead of nests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestration.sources.api.connector import flat

Record = dict[str, Any]


def contact(each: Record) -> Record:
    """A contact with the first of its companies; the others are in `companies_data`."""
    return _opened(each | {"company_id": _first(each, "companies", "data")})


def company(each: Record) -> Record:
    """A company. Its `company_id` is the id it has in the customer's own product."""
    return _opened(each)


def conversation(each: Record) -> Record:
    """A conversation with who asked, and what it was rated."""
    return _opened(each | {"contact_id": _first(each, "contacts", "contacts")})


def ticket(each: Record) -> Record:
    """A ticket with when an admin first answered it and when it was resolved, which its parts tell."""
    parts = [part for part in (each.get("ticket_parts") or {}).get("ticket_parts", ()) if part]
    parts.sort(key=lambda part: (part.get("created_at") or 0, str(part.get("id"))))
    answers = [
        part["created_at"]
        for part in parts
        if part.get("part_type") == "comment" and (part.get("author") or {}).get("type") == "admin"
    ]
    states = [part for part in parts if part.get("ticket_state")]
    resolved = [part["created_at"] for part in states if _enters(part, resolved=True)]
    record = {name: value for name, value in each.items() if name != "ticket_parts"}
    record |= {
        "contact_id": _first(each, "contacts", "contacts"),
        "first_replied_at": min(answers, default=None),
        "resolved_at": max(resolved, default=None),
        "reopened_count": sum(_enters(part, resolved=False) for part in states) if parts else None,
    }
    return _opened(record)


def admin(each: Record) -> Record:
    """An admin with the first of the teams they are in."""
    teams = each.get("team_ids") or []
    return each | {"team_id": teams[0] if teams else None}


def _enters(part: Mapping[str, Any], *, resolved: bool) -> bool:
    """Whether a part resolves the ticket, or opens it again."""
    before, after = part.get("previous_ticket_state") == "resolved", part["ticket_state"] == "resolved"
    return (after and not before) if resolved else (before and not after)


def _first(each: Record, outer: str, inner: str) -> object:
    listed = (each.get(outer) or {}).get(inner) or []
    return listed[0].get("id") if listed else None


def _opened(record: Record) -> Record:
    """Objects inside as fields of their own; every time in seconds as a moment."""
    opened = flat(record)
    for name, value in opened.items():
        if name.endswith("_at") and isinstance(value, int | float) and not isinstance(value, bool):
            opened[name] = datetime.fromtimestamp(value, UTC).isoformat()
    return opened
