"""A world as plain values, so that two of them can be compared."""

from dataclasses import fields, is_dataclass
from random import Random
from typing import Any

from sandbox.world import World

# Lists whose records are never touched again once they are there.
WRITTEN_ONCE = (
    "campaigns",
    "spend",
    "touches",
    "funnel",
    "deal_people",
    "forecasts",
    "usage",
    "tool_answers",
    "surveys",
)
WRITTEN_ON = (
    "people",
    "employees",
    "deals",
    "subscriptions",
    "periods",
    "contracts",
    "invoices",
    "tickets",
    "tasks",
)


def plain(value: Any) -> Any:
    """A record as a tuple of its fields; records inside it as their ids; dice left out."""
    return tuple(_shallow(getattr(value, f.name)) for f in fields(value) if f.name not in ("rng",))


def _shallow(value: Any) -> Any:
    if isinstance(value, Random):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return getattr(value, "id", None) or plain(value)
    if isinstance(value, list):
        return tuple(_shallow(item) for item in value)
    if isinstance(value, dict):
        return tuple((key, _shallow(item)) for key, item in value.items())
    return value


def chronicle(world: World) -> dict[str, list[Any]]:
    """Everything the world remembers."""
    lists = (*WRITTEN_ONCE, *WRITTEN_ON, "companies")
    return {name: [plain(record) for record in getattr(world, name)] for name in lists}
