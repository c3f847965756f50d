"""What every file format is read into: a header, and rows in chunks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.sources.mapping import Rows

CHUNK_ROWS = 20_000


@dataclass(frozen=True)
class Layout:
    """How a file is written. `shown` is its path as the user knows it, for messages."""

    path: Path
    shown: str
    kind: str
    entity: str
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Opened:
    """A file whose header was read; `rows` reads it from the start, each time it is called."""

    header: list[str]
    rows: Callable[[], Iterator[Rows]]


# A row number, the fields of the row, and what is wrong with the row if it could not be read.
Numbered = tuple[int, Sequence[object], str | None]


def in_chunks(rows: Iterable[Numbered]) -> Iterator[Rows]:
    """Group rows so that the memory needed does not grow with the file."""
    chunk = Rows(values=[], numbers=[])
    for number, fields, problem in rows:
        if problem is None:
            chunk.values.append(fields)
            chunk.numbers.append(number)
        else:
            chunk.bad.append((number, fields, problem))
        if len(chunk.values) + len(chunk.bad) >= CHUNK_ROWS:
            yield chunk
            chunk = Rows(values=[], numbers=[])
    if chunk.values or chunk.bad:
        yield chunk
