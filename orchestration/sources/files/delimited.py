"""CSV and TSV as RFC 4180 has them. Only the header line decides the delimiter; nothing else is inferred."""

import csv
from collections.abc import Iterator
from typing import TextIO

from orchestration.errors import ConfigurationError, SourceFailed
from orchestration.sources.files.reading import Layout, Numbered, Opened, in_chunks

# A cell beyond this is a quote that was never closed rather than a text.
_MAX_FIELD = 64 * 2**20
_OTHER_DELIMITERS = (";", "\t", "|")


def open_delimited(layout: Layout) -> Opened:
    """Read the header. ConfigurationError without one, SourceFailed where the encoding is another one."""
    csv.field_size_limit(_MAX_FIELD)
    with _open(layout) as file:
        try:
            first_line = file.readline()
        except UnicodeError:
            raise _wrong_encoding(layout) from None
    if not first_line.strip():
        raise ConfigurationError(
            f"{layout.shown} has no header in its first line; write the column names there."
        )
    delimiter = layout.delimiter or _delimiter(layout, first_line)
    header = next(_records(layout, delimiter))[1]
    return Opened(
        header=[str(name) for name in header],
        rows=lambda: in_chunks(_rows(layout, delimiter, len(header))),
    )


def _delimiter(layout: Layout, header: str) -> str:
    if layout.kind == "tsv":
        return "\t"
    if "," not in header:
        for delimiter in _OTHER_DELIMITERS:
            if delimiter in header:
                return delimiter
    return ","


def _open(layout: Layout) -> TextIO:
    encoding = layout.encoding or "utf-8"
    if encoding.casefold().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    return layout.path.open(encoding=encoding, newline="")


def _rows(layout: Layout, delimiter: str, width: int) -> Iterator[Numbered]:
    records = _records(layout, delimiter)
    next(records)
    for number, fields, problem in records:
        if problem is None and len(fields) != width:
            if len(fields) == 1 and not str(fields[0]).strip():
                continue
            problem = f"the row has {len(fields)} fields, the header {width}"
        elif problem is None and not any(fields):
            continue
        yield number, fields, problem


def _records(layout: Layout, delimiter: str) -> Iterator[Numbered]:
    with _open(layout) as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            number = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except UnicodeError:
                raise _wrong_encoding(layout) from None
            except csv.Error as failure:
                if "unexpected end" in str(failure) or "field limit" in str(failure):
                    raise ConfigurationError(
                        f"{layout.shown}, line {number}: a quote opens and never closes; correct that line."
                    ) from None
                yield number, (), "text follows a closing quote"
                continue
            if fields:
                yield number, fields, None


def _wrong_encoding(layout: Layout) -> SourceFailed:
    encoding = layout.encoding or "utf-8"
    where = _first_undecodable(layout, encoding)
    return SourceFailed(
        f"{layout.shown}{where} is not {encoding} text; set encoding: to what the file has, such as cp1252."
    )


def _first_undecodable(layout: Layout, encoding: str) -> str:
    """Where the first bad byte stands. Text of two or four bytes a letter cannot be cut into lines."""
    if "16" in encoding or "32" in encoding:
        return ""
    offset = 0
    with layout.path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as failure:
                return f", line {number}, byte {offset + failure.start + 1} (0x{line[failure.start]:02x})"
            offset += len(line)
    return ""
