"""What a vendor's folder provides: its tables as data, and how their records are read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, ClassVar, Generic, TypeVar

from orchestration.errors import ConfigurationError
from orchestration.sources.api.client import Client, Record
from orchestration.vendor_settings import ObjectEntity, VendorSource

Options = TypeVar("Options", bound=VendorSource)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of a vendor. Its columns are in models/sources/<kind>/<kind>.yml, under the same name.

    `key`, `cursor` and `deleted` name columns. With a `cursor` only what changed is read after the first
    time, from `lag` before the latest change seen; without one, everything every time. With a `feed` the
    vendor tells what changed since a moment, which is the last read less `lag`; it reaches back as long as
    `feed` says, and an older read is done again in whole. `complete` says that
    reading everything gives every record there is, so that one which is missing was deleted. With
    `whole_every` everything is read again that often, for what the vendor tells in no other way: deletes that
    leave no trace, changes that move no date. `ignore` are
    fields that change without meaning, such as when somebody last looked. `permission` is the right it needs.
    """

    name: str
    path: str = ""
    key: str = "id"
    cursor: str | None = None
    feed: timedelta | None = None
    lag: timedelta = timedelta(hours=1)
    deleted: str | None = None
    complete: bool = True
    whole_every: timedelta | None = None
    ignore: frozenset[str] = frozenset()
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time whose changes are wanted, both ends included; `since` None is from the beginning.

    `state` is what the connector recorded with the last read.
    """

    since: datetime | None
    until: datetime
    state: str | None = None


class Connector(ABC, Generic[Options]):
    """One vendor for the length of one read. A subclass states its tables and reads their pages.

    Times are naive UTC. Nothing here knows files, DuckDB or dlt's loads.
    """

    # What must be in the environment or in .dlt/secrets.toml, and what it is.
    credentials: ClassVar[Mapping[str, str]] = {}

    def __init__(self, source: Options, base_url: str, secrets: Mapping[str, str], now: datetime) -> None:
        self.source = source
        self.base_url = base_url
        self.secrets = secrets
        self.now = now
        self.client: Client = self.connect()

    @abstractmethod
    def connect(self) -> Client:
        """The client all requests go through; asks nothing yet."""

    @abstractmethod
    def tables(self) -> Sequence[Table]:
        """Every table this source has, in the order in which they are read."""

    @abstractmethod
    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Records changed in the window, page by page, as the API gives them."""

    def object_table(self, entity: str, mapping: ObjectEntity) -> tuple[Table, ObjectEntity]:
        """The table of an object that revops.yml maps onto an entity, and the mapping with the usual columns.

        A vendor whose objects cannot be listed by name refuses it.
        """
        raise ConfigurationError(
            f"Source '{self.source.name}' is of kind {self.source.kind}, which has no objects to map;"
            f" remove entities.{entity}."
        )

    def rows(self, table: Table, record: Record) -> Iterable[Record]:
        """The rows a record of the API becomes; most are one row as they are."""
        return (record,)

    def gone(self, table: Table, window: Window) -> Iterable[str]:
        """Keys that a feed of the vendor says were deleted in the window; read after the pages."""
        return ()

    def live_rows(self, table: Table, window: Window) -> int | None:
        """How many records the vendor says there are that are not deleted, None if it does not say.

        Compared with what is in the log after the read; a difference makes the table be read whole.
        """
        return None

    def census(self, table: Table, window: Window) -> Iterator[list[Record]] | None:
        """The keys of all records, for tables whose deletions are seen in no other way; None if they are."""
        return None

    def covered(self, table: Table, window: Window) -> Callable[[str], bool] | None:
        """Whether a key belongs to the part of the table that `pages` gave in whole, such as the last days:
        it is gone if it did not come. Asked after the pages; None where there is no such part.
        """
        return None

    def state(self, table: Table) -> str | None:
        """What to be told with the next window, such as the id of the last event."""
        return None

    def probe(self, table: Table) -> None:
        """Read as little of the table as shows that it may be read."""
        next(iter(self.pages(table, Window(self.now, self.now))), None)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def flat(record: Mapping[str, Any], parent: str = "") -> Record:
    """The record with objects inside objects as `outer_inner`; lists stay."""
    found: Record = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= flat(value, f"{parent}{name}_")
        else:
            found[f"{parent}{name}"] = value
    return found


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items, so many at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
