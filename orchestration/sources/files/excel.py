"""Excel workbooks (.xlsx): the values of one sheet, formulas as last calculated."""

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl

from orchestration.errors import ConfigurationError
from orchestration.settings import nearest
from orchestration.sources.files.reading import Layout, Numbered, Opened, in_chunks

_MAX_UNPACKED = 2**30
_FREE_UNPACKED = 50 * 2**20
_MAX_RATIO = 200
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"})


def open_excel(layout: Layout) -> Opened:
    """Read the header, the first row of the sheet. ConfigurationError for a workbook that cannot be read."""
    _refuse_bombs(layout)
    with _sheet(layout) as sheet:
        first = next(sheet.iter_rows(values_only=True), ())
    header = ["" if value is None else str(value) for value in first]
    while header and not header[-1].strip():
        header.pop()
    if not header:
        raise ConfigurationError(
            f"{layout.shown} has no header in the first row of its sheet; write the names there."
        )
    return Opened(header=header, rows=lambda: in_chunks(_rows(layout, len(header))))


def _refuse_bombs(layout: Layout) -> None:
    try:
        with zipfile.ZipFile(layout.path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as failure:
        raise _unreadable(layout, failure) from None
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if unpacked > _MAX_UNPACKED or (unpacked > _FREE_UNPACKED and unpacked > _MAX_RATIO * packed):
        raise ConfigurationError(
            f"{layout.shown} unpacks to {unpacked / 2**20:,.0f} MiB, {unpacked / packed:,.0f} times its "
            "size, and is not read; save it as CSV."
        )


@contextmanager
def _sheet(layout: Layout) -> Iterator[Any]:
    try:
        with warnings.catch_warnings():
            # It warns of features, such as drop-down lists, that do not touch the values.
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(layout.path, read_only=True, data_only=True)
    except Exception as failure:  # openpyxl raises whatever its parsers do
        raise _unreadable(layout, failure) from None
    try:
        sheet = book[_sheet_name(layout, book.sheetnames)]
        sheet.reset_dimensions()
        yield sheet
    finally:
        book.close()


def _sheet_name(layout: Layout, names: list[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    if layout.sheet is not None:
        if layout.sheet in names:
            return layout.sheet
        near = nearest(layout.sheet, names)
        hint = f"perhaps '{near}' is meant; " if near else ""
        raise ConfigurationError(
            f"{layout.shown} has no sheet '{layout.sheet}'; {hint}the sheets are {listed}."
        )
    named = [name for name in names if name.casefold() == layout.entity]
    if len(names) == 1 or len(named) == 1:
        return (named or names)[0]
    raise ConfigurationError(f"{layout.shown} has the sheets {listed}; name the one to read under sheet.")


def _rows(layout: Layout, width: int) -> Iterator[Numbered]:
    with _sheet(layout) as sheet:
        rows = enumerate(sheet.iter_rows(values_only=True), start=1)
        try:
            next(rows, None)
            for number, row in rows:
                values = [_value(value) for value in row]
                if all(value is None or value == "" for value in values):
                    continue
                yield number, *_fitted(values, width)
        except (zipfile.BadZipFile, ParseError, KeyError, ValueError, EOFError) as failure:
            raise _unreadable(layout, failure) from None


def _fitted(values: list[object], width: int) -> tuple[list[object], str | None]:
    """The values under the header; a sheet stores no empty cells at the end of a row."""
    beyond = [value for value in values[width:] if value is not None and value != ""]
    values = values[:width] + [None] * (width - len(values))
    if beyond:
        return values, f"the row has values right of the header's {width} columns"
    wrong = next((value for value in values if isinstance(value, str) and value in _ERRORS), None)
    return values, f"a cell holds the Excel error {wrong}" if wrong else None


def _value(value: object) -> object:
    # A spreadsheet stores a day as its midnight; it means the day.
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return value


def _unreadable(layout: Layout, failure: Exception) -> ConfigurationError:
    reason = next(iter(str(failure).strip().splitlines()), type(failure).__name__)
    return ConfigurationError(
        f"{layout.shown} cannot be read as an Excel workbook ({reason}); save it again as .xlsx or as CSV."
    )
