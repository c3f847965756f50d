"""Entry entities as raw tables of sources that are mapped by configuration."""

from collections.abc import Mapping

from orchestration.contract import Entity
from orchestration.sources.tables import RawTable
from orchestration.sources.values import ValueOptions

# The name of an employee is published; it is personal all the same when the employee is to be forgotten.
_ALSO_PERSONAL = {"users": frozenset({"name"})}
_LINK = "person_source_id"


def raw_table(entity: Entity) -> RawTable:
    """The raw table of an entity: all its columns but source_system, which the dataset's name says."""
    columns = {name: column for name, column in entity.columns.items() if name != "source_system"}
    return RawTable(
        name=entity.name,
        columns={name: column.type for name, column in columns.items()},
        is_person=entity.name == "people",
        personal=frozenset(name for name, column in columns.items() if column.pii)
        | _ALSO_PERSONAL.get(entity.name, frozenset()),
        person_links={_LINK: ("people",)} if _LINK in columns else {},
        needs_person=_LINK in columns and columns[_LINK].required,
    )


def vendor_table(entity: Entity) -> RawTable:
    """A raw table of a vendor, as far as its YAML tells: its key is the column that is required."""
    columns = {name: column for name, column in entity.columns.items() if name != "source_system"}
    return RawTable(
        name=entity.name,
        columns={name: column.type for name, column in columns.items()},
        key=next((name for name, column in columns.items() if column.required), "id"),
        is_person=entity.is_person,
        personal=frozenset(name for name, column in columns.items() if column.pii),
        person_links={name: column.person_of for name, column in columns.items() if column.person_of},
        needs_person=entity.needs_person,
    )


def value_options(
    formats: Mapping[str, str], *, decimal: str, timezone: str | None, reporting_timezone: str
) -> dict[str, ValueOptions]:
    """How values are written: per entry column that has a format, and under '' for all others."""
    common = ValueOptions(decimal=decimal, timezone=timezone, reporting_timezone=reporting_timezone)
    options = {"": common}
    for name, pattern in formats.items():
        options[name] = ValueOptions(decimal, timezone, reporting_timezone, pattern)
    return options
