"""Files as vendors export them. The same rows give the same bytes."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from xml.sax.saxutils import escape

import duckdb

Record = TypeVar("Record")


@dataclass(frozen=True)
class Table:
    """Rows under named columns, in the order they are written."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def table(columns: Mapping[str, Callable[[Record], Any]], records: Iterable[Record]) -> Table:
    """One row per record; every column says how it reads its value off a record."""
    readers = list(columns.values())
    return Table(tuple(columns), [tuple(read(record) for read in readers) for record in records])


def instant(at: datetime | None) -> str | None:
    """A UTC moment as Salesforce and HubSpot write it, or None."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value)


def write_csv(
    path: Path, content: Table, delimiter: str = ",", decimal: str = ".", line_end: str = "\r\n"
) -> None:
    """UTF-8, quoted where needed, empty for null. Decimals are written with the given sign."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=line_end)
    writer.writerow(content.columns)
    for row in content.rows:
        writer.writerow(
            [
                str(v).replace(".", decimal) if decimal != "." and isinstance(v, Decimal) else _text(v)
                for v in row
            ]
        )
    path.write_bytes(buffer.getvalue().encode())


def write_json_lines(path: Path, content: Table) -> None:
    """One object per line, keys in column order; money is a string so that no digit is lost."""
    lines = (
        json.dumps(dict(zip(content.columns, row, strict=True)), ensure_ascii=False, default=str)
        for row in content.rows
    )
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")


def write_parquet(path: Path, content: Table, types: Mapping[str, str]) -> None:
    """`types` gives every column's DuckDB type."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.csv"
        write_csv(rows, content)
        columns = "{" + ", ".join(f"'{name}': '{types[name]}'" for name in content.columns) + "}"
        con = duckdb.connect(config={"threads": 1})
        con.execute(
            f"copy (select * from read_csv('{rows}', header = true, columns = {columns}, nullstr = '')) "
            f"to '{path}' (format parquet)"
        )
        con.close()


_DAY_ZERO = date(1899, 12, 30)  # of a spreadsheet
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the oldest a zip archive knows
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_FILLS = "".join(f'<fill><patternFill patternType="{kind}"/></fill>' for kind in ("none", "gray125"))
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="2">{_FILLS}</fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf xfId="0"/><xf xfId="0" numFmtId="14" applyNumberFormat="1"/>'
    '<xf xfId="0" numFmtId="22" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


def write_workbook(path: Path, sheets: Mapping[str, Table]) -> None:
    """A spreadsheet with one sheet per table; dates and moments are real ones, text is text."""
    types, links, entries = [], [], []
    parts: dict[str, str] = {}
    for number, (name, content) in enumerate(sheets.items(), start=1):
        part = f"worksheets/sheet{number}.xml"
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
        types.append(f'<Override PartName="/xl/{part}" ContentType="{kind}"/>')
        links.append(f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="{part}"/>')
        entries.append(f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>')
        lines = [content.columns, *content.rows]
        body = "".join(f"<row>{''.join(_cell(value) for value in line)}</row>" for line in lines)
        parts[f"xl/{part}"] = f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'
    sheet_main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{"".join(entries)}</sheets></workbook>'
    )
    links.append(f'<Relationship Id="rIdS" Type="{_OFFICE}/styles" Target="styles.xml"/>')
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(links)}</Relationships>'
    )
    parts["xl/styles.xml"] = _STYLES
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )
    parts["[Content_Types].xml"] = (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{sheet_main}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{sheet_main}.styles+xml"/>{"".join(types)}</Types>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(parts.items()):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _HEAD + text)


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime):
        serial = (value - datetime(1899, 12, 30)).total_seconds() / 86400
        return f'<c s="2"><v>{serial:.8f}</v></c>'
    if isinstance(value, date):
        return f'<c s="1"><v>{(value - _DAY_ZERO).days}</v></c>'
    if isinstance(value, int | Decimal):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'
