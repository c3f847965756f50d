"""Turns rows of a file or table into records of an entry entity, by configuration alone."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress

from orchestration.contract import Column, Entity
from orchestration.errors import ConfigurationError
from orchestration.settings import nearest
from orchestration.sources.batch import Batch, Problem
from orchestration.sources.values import (
    MAX_CHARACTERS,
    Parse,
    ValueOptions,
    as_json,
    clean,
    parser,
    trimmed_texts,
)
from orchestration.vendor_settings import Scalar

_MEMO_SIZE = 50_000
_MEMO_LENGTH = 100
_SHOWN = 200
_MAX_UNLISTED = 1000
_MAX_NEAREST = 100


@dataclass
class Rows:
    """Rows as found, with their row numbers; `bad` are rows that could not even be split into fields."""

    values: list[Sequence[object]]
    numbers: list[int]
    bad: list[tuple[int, Sequence[object], str]] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """Which field of a row fills which column, which are constant, what goes to `custom`; `key` is the id."""

    entity: Entity
    fields: Mapping[str, int]
    constants: Mapping[str, Scalar]
    custom: tuple[tuple[str, int], ...]
    key: str = "source_id"


def make_plan(
    entity: Entity,
    header: Sequence[str],
    columns: Mapping[str, str],
    constants: Mapping[str, Scalar],
    where: str,
) -> Plan:
    """Match the header of a file or table with the columns of an entity.

    Raises ConfigurationError, naming `where`, for a mapped column that is not there, for two columns that
    would fill the same entry column and for a required entry column that nothing fills.
    """
    names = [name.strip() or f"column_{position}" for position, name in enumerate(header, start=1)]
    for name in names:
        try:
            clean(name)
        except ValueError as failure:
            raise ConfigurationError(
                f"{where} has the column {name[:50]!r}, whose name is {failure}."
            ) from None
    for name, count in Counter(names).items():
        if count > 1:
            raise ConfigurationError(f"{where} has {count} columns named '{name}'; give each its own name.")
    by_folded: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        by_folded.setdefault(name.casefold(), []).append(position)

    fields = {
        target: _position(names, by_folded, wanted.strip(), target, where)
        for target, wanted in columns.items()
    }
    for target in entity.columns:
        if target in columns or target in constants or target == "source_system":
            continue
        positions = by_folded.get(target, [])
        if len(positions) > 1:
            raise ConfigurationError(
                f"{where} has the columns {_listed(names[each] for each in positions)}, which both mean "
                f"'{target}'; rename one or map {target} under columns."
            )
        if positions:
            fields[target] = positions[0]

    for target, column in entity.columns.items():
        if column.required and target != "source_system" and target not in fields and target not in constants:
            raise ConfigurationError(
                f"{where} has no column for {target}, which {entity.name} need; map it under columns "
                f"(the columns are {_listed(names)})."
            )
    used = set(fields.values())
    custom = tuple(sorted((name, position) for position, name in enumerate(names) if position not in used))
    return Plan(entity=entity, fields=fields, constants=dict(constants), custom=custom)


def _position(
    names: list[str], by_folded: Mapping[str, list[int]], wanted: str, target: str, where: str
) -> int:
    if wanted in names:
        return names.index(wanted)
    positions = by_folded.get(wanted.casefold(), [])
    if len(positions) == 1:
        return positions[0]
    if positions:
        raise ConfigurationError(
            f"{where} has the columns {_listed(names[each] for each in positions)}; write exactly the one "
            f"that {target} is mapped to."
        )
    near = nearest(wanted, names)
    hint = f"perhaps '{near}' is meant; " if near else ""
    raise ConfigurationError(
        f"{where} has no column '{wanted}', to which {target} is mapped; {hint}"
        f"the columns are {_listed(names)}."
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


class Converter:
    """Applies a plan to rows, chunk by chunk, and counts what it saw."""

    def __init__(
        self,
        plan: Plan,
        options: Mapping[str, ValueOptions],
        allowed: Mapping[str, "AllowedList"] | None = None,
    ) -> None:
        """`options` per entry column (the key '' is for the rest); `allowed` per entry column."""
        self._plan = plan
        self._allowed = allowed or {}
        self._columns = [
            _ColumnParser(column, parser(column, options.get(name, options[""])))
            for name, column in plan.entity.columns.items()
            if name in plan.fields and name != "custom"
        ]
        self._parse_key = parser(plan.entity.columns[plan.key], options[""])
        self._constants = {
            name: parser(plan.entity.columns[name], options.get(name, options[""]))(value)
            for name, value in plan.constants.items()
        }
        for name, value in self._constants.items():
            if value is None and plan.entity.columns[name].required:
                raise ConfigurationError(
                    f"The constant for {name} is empty, but {plan.entity.name} need a value."
                )
        self._custom = [_CustomColumn(name) for name, _ in plan.custom]
        self._unlisted: dict[str, dict[str, list[int]]] = {name: {} for name in self._allowed}

    def convert(self, rows: Rows) -> Batch:
        """The accepted records of these rows, and problems for the others."""
        count = len(rows.values)
        good = [True] * count
        problems: list[Problem] = []
        fields = list(zip(*rows.values, strict=True)) if count else []
        found: dict[str, list[str | None]] = {}

        for column in self._columns:
            values = fields[self._plan.fields[column.name]] if count else ()
            found[column.name] = column.parse(values, rows.numbers, good, problems)
        custom = self._custom_texts(fields, rows.numbers, good, problems) if count else []
        rejected = [found[self._plan.key][index] for index in range(count) if not good[index]]

        if rejected:
            found = {name: list(compress(values, good)) for name, values in found.items()}
            custom = list(compress(custom, good))
            numbers = list(compress(rows.numbers, good))
        else:
            numbers = list(rows.numbers)
        columns: dict[str, Sequence[str | None]] = dict(found)
        for name, constant in self._constants.items():
            columns[name] = [constant] * len(numbers)
        columns["custom"] = custom
        for name, listed in self._allowed.items():
            self._count_unlisted(name, listed, columns.get(name, ()), numbers)

        for number, row, problem in rows.bad:
            problems.append(Problem(number, None, "", problem))
            rejected.append(self._key_of(row))
        problems.sort(key=lambda problem: problem.row_number or 0)
        return Batch(columns=columns, row_numbers=numbers, problems=problems, rejected_keys=rejected)

    def _key_of(self, values: Sequence[object]) -> str | None:
        position = self._plan.fields[self._plan.key]
        if position >= len(values):
            return None
        try:
            return self._parse_key(values[position])
        except ValueError:
            return None

    def _custom_texts(
        self,
        fields: Sequence[Sequence[object]],
        numbers: Sequence[int],
        good: list[bool],
        problems: list[Problem],
    ) -> list[str | None]:
        parts = [
            column.encode(fields[position], numbers, good, problems)
            for column, (_, position) in zip(self._custom, self._plan.custom, strict=True)
        ]
        own = self._plan.fields.get("custom")
        if own is not None:
            return self._merged_custom(fields[own], parts, numbers, good, problems)
        if not parts:
            return [None] * len(numbers)
        texts: list[str | None] = []
        for index, row in enumerate(zip(*parts, strict=True)):
            text = ",".join(filter(None, row))
            if len(text) > MAX_CHARACTERS:
                _reject(
                    index, numbers, good, problems, "custom", "", "the unmapped columns together are too long"
                )
                text = ""
            texts.append(f"{{{text}}}" if text else None)
        return texts

    def _merged_custom(
        self,
        own: Sequence[object],
        parts: Sequence[Sequence[str | None]],
        numbers: Sequence[int],
        good: list[bool],
        problems: list[Problem],
    ) -> list[str | None]:
        """A `custom` column of the source itself is kept; the unmapped columns are added to its object."""
        parse = parser(self._plan.entity.columns["custom"], ValueOptions())
        texts: list[str | None] = []
        for index, value in enumerate(own):
            try:
                text = parse(value)
                unmapped = [part[index] for part in parts if part[index]]
                if unmapped:
                    added = json.loads("{" + ",".join(str(each) for each in unmapped) + "}")
                    text = as_json({**json.loads(text or "{}"), **added})
            except ValueError as failure:
                _reject(index, numbers, good, problems, "custom", "", str(failure))
                text = None
            texts.append(None if text == "{}" else text)
        return texts

    def _count_unlisted(
        self, name: str, listed: "AllowedList", values: Sequence[str | None], numbers: Sequence[int]
    ) -> None:
        seen = self._unlisted[name]
        for value, number in zip(values, numbers, strict=True):
            if value is not None and value not in listed.values:
                tally = seen.setdefault(value, [number, 0])
                tally[1] += 1

    def closing_problems(self) -> Iterator[Problem]:
        """Warnings that can only be given after the last row: values that a reference list does not have."""
        for name, seen in self._unlisted.items():
            listed = self._allowed[name]
            pii = self._plan.entity.columns[name].pii
            by_count = sorted(seen.items(), key=lambda item: (-item[1][1], item[0]))
            for position, (value, (number, count)) in enumerate(by_count[:_MAX_UNLISTED]):
                near = nearest(value, sorted(listed.values)) if position < _MAX_NEAREST and not pii else None
                hint = f"; the nearest listed value is '{near}'" if near else ""
                rows = "1 row" if count == 1 else f"{count:,} rows"
                yield Problem(
                    number,
                    name,
                    "" if pii else value[:_SHOWN],
                    f"not listed in {listed.origin} ({rows}){hint}",
                    "warning",
                )
            if len(by_count) > _MAX_UNLISTED:
                more = len(by_count) - _MAX_UNLISTED
                yield Problem(
                    None, name, "", f"{more:,} more values are not listed in {listed.origin}", "warning"
                )


@dataclass(frozen=True)
class AllowedList:
    """Values a reference file lists, and where: "products.csv, column product"."""

    values: frozenset[str]
    origin: str


def named_by_id(batch: Batch, ids: Sequence[object], first: int = 0) -> Batch:
    """A batch of rows that have no number anybody could look up: problems name the record by its id.

    `ids` are those of all rows of the batch, whose numbers began with `first`.
    """
    return Batch(
        columns=batch.columns,
        row_numbers=[None] * batch.accepted,
        problems=[
            replace(
                problem,
                row_number=None,
                problem=f"{problem.problem}, in the record with id"
                f" {str(ids[problem.row_number - first])[:_SHOWN]!r}",
            )
            if problem.row_number is not None
            else problem
            for problem in batch.problems
        ],
        rejected_keys=batch.rejected_keys,
    )


def _reject(
    index: int,
    numbers: Sequence[int],
    good: list[bool],
    problems: list[Problem],
    column: str,
    value: str,
    problem: str,
) -> None:
    good[index] = False
    problems.append(Problem(numbers[index], column, value, problem))


def _shown(value: object) -> str:
    """The beginning of a refused value, without characters that cannot be stored or seen."""
    return str(value)[:_SHOWN].encode("utf-8", "replace").decode().replace("\0", "\\0")


class _ColumnParser:
    def __init__(self, column: Column, parse: Parse) -> None:
        self.name = column.name
        self.parse_one = parse
        self._column = column
        self._memo: dict[str, str | None] = {}

    def parse(
        self, values: Sequence[object], numbers: Sequence[int], good: list[bool], problems: list[Problem]
    ) -> list[str | None]:
        """Canonical texts; a bad value marks its row and is reported."""
        if (quick := self._plain_texts(values)) is not None:
            return quick
        memo, parse, required = self._memo, self.parse_one, self._column.required
        if len(memo) > _MEMO_SIZE:
            memo.clear()
        texts: list[str | None] = []
        for index, value in enumerate(values):
            # Only text is remembered: 1, 1.0 and True are equal keys of a dict but not the same text.
            if type(value) is str and value in memo:
                texts.append(memo[value])
                continue
            try:
                text = parse(value)
                if text is None and required:
                    raise ValueError("empty, but required")
            except ValueError as failure:
                shown = "" if self._column.pii or value is None else _shown(value)
                _reject(index, numbers, good, problems, self.name, shown, str(failure))
                texts.append(None)
                continue
            if type(value) is str and len(value) <= _MEMO_LENGTH:
                memo[value] = text
            texts.append(text)
        return texts

    def _plain_texts(self, values: Sequence[object]) -> list[str | None] | None:
        """The whole column at once where it is plain text without anything to refuse, else None."""
        if self._column.type != "text" or self._column.one_of:
            return None
        return trimmed_texts(values, required=self._column.required)


class _CustomColumn:
    def __init__(self, name: str) -> None:
        self._name = name
        self._prefix = json.dumps(name, ensure_ascii=False) + ":"
        self._memo: dict[str, str | None] = {}

    def encode(
        self, values: Sequence[object], numbers: Sequence[int], good: list[bool], problems: list[Problem]
    ) -> list[str | None]:
        """For each value the JSON member `"name":value`, None where it is empty."""
        memo, prefix = self._memo, self._prefix
        if len(memo) > _MEMO_SIZE:
            memo.clear()
        members: list[str | None] = []
        for index, value in enumerate(values):
            if type(value) is str and value in memo:
                members.append(memo[value])
                continue
            try:
                cleaned = clean(value)
                if isinstance(cleaned, float) and cleaned.is_integer() and abs(cleaned) < 2**53:
                    cleaned = int(cleaned)
                member = None if cleaned is None else prefix + as_json(cleaned)
            except ValueError as failure:
                # What nobody mapped may be personal data, so the value is not repeated.
                _reject(index, numbers, good, problems, self._name, "", str(failure))
                member = None
            if type(value) is str and len(value) <= _MEMO_LENGTH:
                memo[value] = member
            members.append(member)
        return members
