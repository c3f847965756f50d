"""How replication services mark rows: which version is the latest, what is gone, when it came."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration.sources.landed.schema import Row
from orchestration.warehouse import identifier

_YES = frozenset({"true", "t", "1", "yes"})


def is_true(value: object) -> bool:
    """Whether a flag is set, whatever type the database gives it."""
    return str(value).casefold() in _YES


@dataclass(frozen=True)
class Service:
    """The columns a service adds.

    `synced` says when a row came; `active` is false on rows that a newer version or a delete replaced;
    `deleted` is true, or a time, on rows that are gone at the vendor.
    """

    synced: str
    started: str | None
    active: str | None
    deleted: tuple[str, ...]
    appends: bool  # a table may hold every version of a record
    prefixes: tuple[str, ...]

    def latest(self, relation: str, columns: Iterable[str], key: Iterable[str]) -> str:
        """A query of one row per key, the latest version, deleted or not."""
        columns = list(columns)
        order = [
            f"{identifier(name)} desc nulls last" for name in (self.started, self.synced) if name in columns
        ]
        if not (self.appends or self.active in columns):
            return f"select * from {relation} as landed"
        return (
            "select * from (select landed.*, row_number() over (partition by "
            + ", ".join(map(identifier, key))
            + " order by "
            + ", ".join([*order, "md5(cast(landed as varchar))"])
            + f") as version_rank from {relation} as landed) as versions where version_rank = 1"
        )

    def is_gone(self, row: Row) -> bool:
        """Whether the record of a latest row no longer exists at the vendor."""
        if self.active and row.get(self.active) is not None and not is_true(row[self.active]):
            return True
        return any(
            value is not None and str(value).casefold() not in ("false", "f", "0", "no", "")
            for value in map(row.get, self.deleted)
        )

    def state(self, relation: str, columns: Mapping[str, str]) -> str:
        """A query of one row that changes whenever the service has written to the table."""
        latest = f"cast(max({identifier(self.synced)}) as varchar)" if self.synced in columns else "null"
        return f"select count(*) as found, {latest} as synced from {relation} as landed"

    def content(self, row: Row) -> Row:
        """The row without what the service added."""
        return {name: value for name, value in row.items() if not name.startswith(self.prefixes)}


FIVETRAN = Service(
    synced="_fivetran_synced",
    started="_fivetran_start",
    active="_fivetran_active",
    deleted=("_fivetran_deleted",),
    appends=False,
    prefixes=("_fivetran_", "version_rank"),
)
AIRBYTE = Service(
    synced="_airbyte_extracted_at",
    started=None,
    active=None,
    deleted=("_ab_cdc_deleted_at",),
    appends=True,
    prefixes=("_airbyte_", "_ab_cdc_", "version_rank"),
)
SERVICES = {"fivetran": FIVETRAN, "airbyte": AIRBYTE}
