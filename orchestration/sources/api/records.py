"""Records of an API as batches of a raw table: columns of the declared types, everything else in `custom`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from orchestration.contract import Entity
from orchestration.errors import SourceFailed
from orchestration.sources.api.client import Record
from orchestration.sources.api.connector import Table
from orchestration.sources.batch import Batch
from orchestration.sources.entities import vendor_table
from orchestration.sources.mapping import Converter, Plan, Rows, make_plan, named_by_id
from orchestration.sources.tables import RawTable
from orchestration.sources.values import ValueOptions
from orchestration.vendor_settings import EntityMapping

_WORD_BEGINS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MAX_FIELDS = 5_000


def raw_table(table: Table, entity: Entity) -> RawTable:
    """The raw table as the log knows it."""
    return replace(
        vendor_table(entity),
        name=table.name,
        key=table.key,
        updated_at=table.cursor,
        deleted=table.deleted,
    )


@lru_cache(maxsize=50_000)
def snake_case(name: str) -> str:
    """StageName, stageName and stage_name are one column: stage_name."""
    return _WORD_BEGINS.sub("_", name).lower()


class Records:
    """Turns the rows of one table into batches, whatever fields they come with."""

    def __init__(
        self,
        source: str,
        table: Table,
        entity: Entity,
        options: Mapping[str, ValueOptions],
        mapping: EntityMapping | None = None,
    ) -> None:
        """With a `mapping` the entity is one of the entry contract, without one a table of the vendor."""
        self._source = source
        self._table = table
        self._entity = entity
        self._options = options
        self._mapping = mapping
        self._header: dict[str, int] = {}
        self._known = set(table.ignore)
        self._converter: Converter | None = None
        self._key = 0
        self.highest: str | None = None

    def batches(self, pages: Iterable[Sequence[Record]]) -> Iterator[Batch]:
        """A batch per page. Raises SourceFailed where two fields of a record mean the same column."""
        for page in pages:
            if page:
                yield self._batch(page)

    def _batch(self, page: Sequence[Record]) -> Batch:
        for record in page:
            if not record.keys() <= self._known:
                self._learn(record)
        converter = self._converter or self._prepare()
        names = list(self._header)
        rows = Rows(
            values=[tuple(map(record.get, names)) for record in page], numbers=list(range(1, len(page) + 1))
        )
        batch = named_by_id(converter.convert(rows), [row[self._key] for row in rows.values], first=1)
        if self._table.cursor is not None:
            changed = [text for text in batch.columns.get(self._table.cursor, ()) if text is not None]
            if self.highest is not None:
                changed.append(self.highest)
            self.highest = max(changed, default=None)
        return batch

    def _learn(self, record: Record) -> None:
        """Make room for the fields of a record that were not seen before."""
        for name in sorted(record.keys() - self._known):
            self._header[name] = len(self._header)
        self._known |= record.keys()
        if len(self._header) > _MAX_FIELDS:
            raise SourceFailed(
                f"Source '{self._source}': {self._table.name} has more than {_MAX_FIELDS:,} different fields;"
                " its records are not what they should be."
            )
        self._converter = None

    def _prepare(self) -> Converter:
        plan = self._mapped_plan(self._mapping) if self._mapping else self._plan()
        self._key = plan.fields[plan.key]
        self._converter = Converter(plan, self._options)
        return self._converter

    def _mapped_plan(self, mapping: EntityMapping) -> Plan:
        where = f"Source '{self._source}': {self._table.path}"
        return make_plan(self._entity, list(self._header), mapping.columns, mapping.constants, where)

    def _plan(self) -> Plan:
        columns: dict[str, str] = {}
        custom: list[tuple[str, int]] = []
        for name, position in self._header.items():
            column = snake_case(name)
            if column == "custom" or column not in self._entity.columns:
                custom.append((name, position))
            elif column in columns:
                raise SourceFailed(
                    f"Source '{self._source}': {self._table.name} has the fields '{columns[column]}' and"
                    f" '{name}', which are one column here; leave one out of what the API user may see."
                )
            else:
                columns[column] = name
        if self._table.key not in columns:
            raise SourceFailed(
                f"Source '{self._source}': {self._table.name} came without '{self._table.key}', by which its"
                " records are known; nothing of it was loaded."
            )
        return Plan(
            entity=self._entity,
            fields={column: self._header[name] for column, name in columns.items()},
            constants={},
            custom=tuple(sorted(custom)),
            key=self._table.key,
        )
