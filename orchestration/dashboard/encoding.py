"""How tables travel inside the page: by column, texts by their place, dates as days, numbers rounded."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

_EPOCH = date(2000, 1, 1)
_TEXT_LENGTH = 200
_DIGITS = 9


def day(value: date | None) -> int | None:
    """Days since 2000-01-01."""
    if isinstance(value, datetime):
        value = value.date()
    return None if value is None else (value - _EPOCH).days


def date_of(days: int) -> date:
    """The date of so many days since 2000-01-01."""
    return _EPOCH + timedelta(days=days)


def number(value: Decimal | float | int | None, digits: int = _DIGITS) -> float | int | None:
    """A number with as many significant digits as anything on the page can show."""
    if value is None:
        return None
    if isinstance(value, int):
        return value
    value = float(value)
    if not math.isfinite(value):
        return None
    if value.is_integer() and abs(value) < 10**digits:
        return int(value)
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded


def text(value: str | None) -> str | None:
    """A text, cut where nobody reads on."""
    return value if value is None or len(value) <= _TEXT_LENGTH else value[:_TEXT_LENGTH] + "…"


@dataclass(frozen=True)
class Table:
    """Rows for the page. `total` is how many there are in the published file, where these are not all.

    `about` joins what the page is told beside the rows.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: int | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def encoded(tree: Mapping[str, Any]) -> dict[str, Any]:
    """`tree` with every table in it ready for JSON.

    Texts lie once in `words`; a text column holds places in it, and frequent words have the short ones.
    """
    tables = list(_tables(tree))
    texts = {id(each): [_as_texts(column) for column in _columns(each)] for each in tables}
    counts = Counter(
        value
        for columns in texts.values()
        for column in columns
        for value in column or ()
        if value is not None
    )
    words = sorted(counts, key=lambda word: (-counts[word], word))
    place = {word: index for index, word in enumerate(words)}

    def written(node: Any) -> Any:
        if isinstance(node, Table):
            return _written(node, texts[id(node)], place)
        if isinstance(node, Mapping):
            return {name: written(value) for name, value in node.items()}
        return node

    return {**written(tree), "words": words}


def _tables(node: Any) -> Iterator[Table]:
    if isinstance(node, Table):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _tables(value)


def _written(
    source: Table, texts: Sequence[list[str | None] | None], place: Mapping[str, int]
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, values, words in zip(source.columns, _columns(source), texts, strict=True):
        if words is None:
            columns[name] = _numbers(values)
        else:
            columns[name] = {
                "type": "text",
                "values": [None if word is None else place[word] for word in words],
            }
    total = len(source.rows) if source.total is None else source.total
    return {**source.about, "columns": columns, "rows": len(source.rows), "total": total}


def _columns(source: Table) -> list[tuple[Any, ...]]:
    return list(zip(*source.rows, strict=True)) if source.rows else [() for _ in source.columns]


def _sample(values: Sequence[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _numbers(values: Sequence[Any]) -> dict[str, Any]:
    sample = _sample(values)
    if isinstance(sample, bool):
        return {"type": "boolean", "values": [None if value is None else int(value) for value in values]}
    if isinstance(sample, date):
        return {"type": "date", "values": [day(value) for value in values]}
    return {"type": "number", "values": [number(value) for value in values]}


def _as_texts(values: Sequence[Any]) -> list[str | None] | None:
    """The column as texts, if it is one of texts, lists or moments."""
    sample = _sample(values)
    if isinstance(sample, datetime):
        return [None if value is None else f"{value:%Y-%m-%d %H:%M}" for value in values]
    if isinstance(sample, list):
        return [None if value is None else text(", ".join(map(str, value))) for value in values]
    return [text(value) for value in values] if isinstance(sample, str) else None
