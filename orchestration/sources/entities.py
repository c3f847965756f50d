"""Entry entities as raw tables of sources that are mapped by configuration."""

from collections.abc import Mapping

from orchestration.contract import Entity
from orchestration.sources.tables import RawTable
from orchestration.sources.values import ValueOptions


def raw_table(entity: Entity) -> RawTable:
    """The raw table of an entity: all its columns but source_system, which the dataset's name says."""
    return RawTable(
        name=entity.name,
        columns={name: column.type for name, column in entity.columns.items() if name != "source_system"},
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
