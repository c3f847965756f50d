"""Pipedrive's answers as records of the raw tables: fields as people named them, options in words."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestration.sources.api.connector import flat

Record = dict[str, Any]

# The fields of a deal whose history becomes changes; version 1 calls the owner user_id.
TRACKED = {
    "value",
    "user_id",
    "owner_id",
    "expected_close_date",
    "probability",
    "stage_id",
    "status",
}
# What records are given here beside what Pipedrive says of them.
_OURS = ("id", "email", "phone", "due_at")
_NO_WORD = re.compile(r"\W+")


class Fields:
    """What the fields of one object are called, and what the options of those with options are."""

    def __init__(self, listed: Iterable[Mapping[str, Any]]) -> None:
        fields = sorted(listed, key=lambda each: str(each["field_code"]))
        names = Counter(_column(str(each["field_name"])) for each in fields if each.get("is_custom_field"))
        taken = set(_OURS)
        parts: tuple[str, ...] = ()
        for each in fields:
            if not each.get("is_custom_field"):
                taken.add(str(each["field_code"]))
                parts += (f"{each['field_code']}_",) if each.get("subfields") else ()
        self.names: dict[str, str] = {}
        self.options: dict[str, dict[str, str]] = {}
        for each in fields:
            code = str(each["field_code"])
            if each.get("options") and each.get("field_type") in ("enum", "set"):
                self.options[code] = {str(option["id"]): str(option["label"]) for option in each["options"]}
            if each.get("is_custom_field"):
                name = _column(str(each["field_name"])) or code
                # One of two fields of the same name, or one called like a field of Pipedrive's own.
                unclear = names[name] > 1 or name in taken or name.startswith(parts)
                self.names[code] = f"{name}_{code[:8]}" if unclear else name

    @property
    def version(self) -> str:
        """Changes when a field or an option is renamed, which moves no date of any record."""
        return hashlib.sha256(json.dumps([self.names, self.options], sort_keys=True).encode()).hexdigest()[
            :16
        ]

    def record(self, each: Record) -> Record:
        """The record as people see it."""
        own = each.get("custom_fields") or {}
        found: Record = {}
        for code, value in each.items():
            if code != "custom_fields":
                found[code] = self._in_words(code, value)
        found = flat(found)
        for code, value in own.items():
            name = self.names.get(code, code)
            name = f"{name}_{code[:8]}" if name in each else name
            value = self._in_words(code, value)
            if isinstance(value, dict):
                # An amount with its currency, a place, the two ends of a stretch of time.
                for part, inner in value.items():
                    found[name if part == "value" else f"{name}_{part}"] = inner
            else:
                found[name] = value
        return found

    def _in_words(self, code: str, value: Any) -> Any:
        options = self.options.get(code)
        if not options:
            return value
        if isinstance(value, list):
            return [options.get(str(each), each) for each in value]
        return options.get(str(value), value)


def person(each: Record) -> Record:
    """A person with the address and the number they want to be reached at; the others stay in lists."""
    return each | {"email": _primary(each.get("emails")), "phone": _primary(each.get("phones"))}


def activity(each: Record) -> Record:
    """An activity with the moment it was planned for, which comes as a day and perhaps a time, both UTC."""
    day, time = each.get("due_date"), each.get("due_time")
    return each | {"due_at": f"{day}T{time or '00:00'}Z" if day else None}


def user(each: Record) -> Record:
    """A user; version 1 writes times without saying that they are UTC."""
    return each | {"created": utc(each.get("created")), "modified": utc(each.get("modified"))}


def utc(text: object) -> object:
    """A time of version 1, 2026-05-01 09:30:00, as the others write it."""
    return f"{text.replace(' ', 'T')}Z" if isinstance(text, str) and len(text) == 19 else text


def changes(deal: Record, flow: Iterable[Record]) -> Iterator[Record]:
    """The tracked changes of one deal, each with the stage and the status before and after it.

    `deal` is the deal as it is now: what never changed has always been so.
    """
    found = sorted(
        (each["data"] for each in flow if each.get("object") == "dealChange"),
        key=lambda each: (str(each["log_time"]), int(each["id"])),
    )
    now = {name: deal.get(name) for name in ("stage_id", "status")}
    for name in now:
        first = next((each for each in found if each["field_key"] == name), None)
        if first is not None:
            now[name] = first["old_value"]
    for each in found:
        name = str(each["field_key"])
        if name not in TRACKED:
            continue
        before = dict(now)
        if name in now:
            now[name] = each["new_value"]
        yield {
            "id": each["id"],
            "deal_id": deal["id"],
            "log_time": utc(each["log_time"]),
            "user_id": each.get("user_id"),
            "field_key": name,
            "old_value": each.get("old_value"),
            "new_value": each.get("new_value"),
            "old_stage_id": before["stage_id"],
            "new_stage_id": now["stage_id"],
            "old_status": before["status"],
            "new_status": now["status"],
        }


def _primary(listed: object) -> object:
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    chosen = next((each for each in entries if each.get("primary")), entries[0] if entries else {})
    return chosen.get("value") or None


def _column(name: str) -> str:
    """A name people gave, as the name of a column."""
    return _NO_WORD.sub("_", name).strip("_").lower()
