"""Rows as a terminal table, JSON or CSV."""

import csv
import json
import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Format(StrEnum):
    """How a command prints rows."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def print_rows(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    output_format: Format,
    file: TextIO,
    title: str = "",
) -> None:
    """Print rows to `file`. Decimals are text in JSON, so that no digit is lost."""
    if output_format is Format.JSON:
        records = [dict(zip(columns, row, strict=True)) for row in rows]
        json.dump(records, file, default=_json_value, indent=1, ensure_ascii=False)
        file.write("\n")
    elif output_format is Format.CSV:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([spreadsheet_safe(column) for column in columns])
        writer.writerows([spreadsheet_safe(cell_text(value)) for value in row] for row in rows)
    else:
        _print_table(columns, rows, file, title)


def spreadsheet_safe(text: str) -> str:
    """`text` as a cell no spreadsheet takes for a formula."""
    start = text.lstrip(" ")[:1]
    if start and start in "=+-@|%\t\r" and not _NUMBER.fullmatch(text.strip()):
        return "'" + text
    return text


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], file: TextIO, title: str) -> None:
    console = Console(file=file, highlight=False, soft_wrap=not file.isatty())
    # Cut cells would be wrong data where a program reads them: without a terminal the table is as wide as it
    # needs.
    if not file.isatty():
        console.width = 100_000
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numeric = any(isinstance(row[index], int | float | Decimal) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_escape(cell_text(value)) for value in row))
    console.print(table)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


def cell_text(value: Any) -> str:
    """A value as the text of a cell; an empty one is null."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case list() | dict():
            return json.dumps(value, default=_json_value, ensure_ascii=False)
        case _:
            return str(value)


def _json_value(value: Any) -> Any:
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)
