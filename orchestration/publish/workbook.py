"""Published tables as an Excel workbook whose cells are values, never formulas."""

import math
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from orchestration.errors import RevopsError
from orchestration.publish.export_files import columns_of, in_place_of, sql_name
from orchestration.warehouse import identifier

DEFAULT_TABLES = ("metrics.kpi_values", "metrics.kpi_catalog", "metrics.goal_status")

# What a sheet can hold, one row of it being the heading, and what a cell and the name of a sheet can.
_SHEET_ROWS = 1_048_575
_CELL_LENGTH = 32_767
_NAME_LENGTH = 31
# The calendar of spreadsheets is right from March 1900 on.
_FIRST_YEAR = 1901
_ROWS_AT_ONCE = 10_000


def write_workbook(
    published: duckdb.DuckDBPyConnection, path: Path, names: Sequence[str] = DEFAULT_TABLES
) -> dict[str, int]:
    """Write the tables `names` (schema.table) into `path`, a sheet each, and return their row counts.

    Raises ConfigurationError for a table that is not published, RevopsError for one too long for a sheet.
    """
    columns = columns_of(published, names)
    counts = {name: _count(published, name) for name in names}
    for name, rows in counts.items():
        if rows > _SHEET_ROWS:
            raise RevopsError(
                f"{name} has {rows:,} rows and a sheet holds {_SHEET_ROWS:,}; take its Parquet file instead."
            )
    book = Workbook(write_only=True)
    for name in names:
        _write_sheet(published, book.create_sheet(_sheet_name(name, book.sheetnames)), name, columns[name])
    with in_place_of(path) as part:
        book.save(part)
    return counts


def _count(published: duckdb.DuckDBPyConnection, name: str) -> int:
    ((rows,),) = published.execute(f"select count(*) from {sql_name(name)}").fetchall()
    return int(rows)


def _write_sheet(
    published: duckdb.DuckDBPyConnection, sheet: WriteOnlyWorksheet, name: str, columns: dict[str, str]
) -> None:
    sheet.freeze_panes = "A2"
    sheet.append([_heading(sheet, column) for column in columns])
    cursor = published.cursor()
    cursor.execute(f"select {', '.join(map(identifier, columns))} from {sql_name(name)}")
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        for row in rows:
            sheet.append([_cell(sheet, value) for value in row])


def _heading(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    cell = _text_cell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: WriteOnlyWorksheet, value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return _text_cell(sheet, str(value))
        case date() if value.year < _FIRST_YEAR:
            return _text_cell(sheet, value.isoformat())
        case None | bool() | int() | float() | Decimal() | date():
            return value
        case list() | tuple():
            return _text_cell(sheet, ", ".join(map(str, value)))
        case _:
            return _text_cell(sheet, str(value))


def _text_cell(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    """A cell that stays text whatever it begins with."""
    cell = WriteOnlyCell(sheet)
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)[:_CELL_LENGTH]
    cell.data_type = "s"
    return cell


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    short = name.split(".", 1)[1][:_NAME_LENGTH]
    return short if short not in taken else name.replace(".", " ")[:_NAME_LENGTH]
