"""What a vendor's folder says of its landed tables: which become which raw table, and how a row is read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orchestration.sources.landed.schema import LandedSchema, Row

Record = dict[str, Any]


class Fields(Mapping[str, Any]):
    """A row whose columns are found under the API's names, however the service spells them.

    `createdAt`, `created_at` and `createdat` are one name, and so are `StageName` and `stage_name`.
    """

    def __init__(self, row: Row) -> None:
        self._row = row
        self._folded = {fold(name): name for name in row}

    def __getitem__(self, name: str) -> Any:
        return self._row[self._folded[fold(name)]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._row)

    def __len__(self) -> int:
        return len(self._row)

    def first(self, *names: str) -> Any:
        """The first of these columns that is there and not null."""
        return next((value for value in map(self.get, names) if value is not None), None)


def fold(name: str) -> str:
    """What is left of a name without case and underscores."""
    return name.replace("_", "").casefold()


def text(value: object) -> str | None:
    """A value as an API that knows only texts gives it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


@dataclass(frozen=True, kw_only=True)
class LandedTable:
    """A landed table, and the records of a raw table that each of its rows becomes, given whether it is gone.

    `fivetran` and `airbyte` are its names there, empty where that service has no such table; `key` are the
    columns that tell its rows apart, as far as they are there. `objects` hold JSON. `joined` makes a query of
    one of the latest rows, for what lies in other tables. With `versions` every version of a record is read,
    with the columns the service adds.
    """

    raw: str
    records: Callable[[Fields, bool], Iterable[Record]]
    key: tuple[str, ...] = ("id",)
    fivetran: str = ""
    airbyte: str = ""
    objects: tuple[str, ...] = ()
    joined: Callable[[LandedSchema, str], str] | None = None
    versions: bool = False


def as_it_is(deleted: str | None) -> Callable[[Fields, bool], Iterator[Record]]:
    """One record per row, with a flag that says whether it is gone; without a flag, none if it is."""

    def records(fields: Fields, gone: bool) -> Iterator[Record]:
        if deleted is not None:
            yield {**fields, deleted: gone or fields.get(deleted)}
        elif not gone:
            yield dict(fields)

    return records
