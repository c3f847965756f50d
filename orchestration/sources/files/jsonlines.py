"""JSON lines: one object per line. Nested values become JSON text."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from orchestration.errors import ConfigurationError, SourceFailed
from orchestration.sources.files.reading import Layout, Numbered, Opened, in_chunks


def open_json_lines(layout: Layout) -> Opened:
    """The header is every name that occurs in the file, in order of appearance."""
    header: dict[str, None] = {}
    for _, record, _ in _records(layout):
        header.update(dict.fromkeys(record or ()))
    if not header:
        raise ConfigurationError(f"{layout.shown} holds no JSON object; write one object per line.")
    names = list(header)
    return Opened(header=names, rows=lambda: in_chunks(_rows(layout, names)))


def _rows(layout: Layout, names: list[str]) -> Iterator[Numbered]:
    for number, record, problem in _records(layout):
        yield number, [record.get(name) for name in names] if record else (), problem


def _records(layout: Layout) -> Iterator[tuple[int, dict[str, Any] | None, str | None]]:
    encoding = layout.encoding or "utf-8-sig"
    number = 0
    with layout.path.open(encoding=encoding, newline="\n") as file:
        while True:
            number += 1
            try:
                line = file.readline()
            except UnicodeError as failure:
                raise SourceFailed(
                    f"{layout.shown}, about line {number}, is not {layout.encoding or 'utf-8'} text "
                    f"({failure}); set encoding: to the one the file has."
                ) from None
            if not line:
                return
            if not line.strip():
                continue
            try:
                record = json.loads(line, parse_float=Decimal, parse_constant=_refuse)
            except (ValueError, RecursionError):
                yield number, None, "the line is not valid JSON"
                continue
            if not isinstance(record, dict):
                yield number, None, "the line is not a JSON object"
                continue
            yield number, record, None


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
