"""The catalog as one HTML file that asks nobody for anything."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from orchestration.catalog.entries import ColumnEntry, TableEntry
from orchestration.catalog.lineage import Column

_HERE = Path(__file__).parent
_TOKENS = _HERE.parent / "dashboard" / "style" / "tokens.css"
_SCHEMAS = {
    "revenue": "The shared revenue schema: companies, people, deals, touches, subscriptions, spend.",
    "metrics": "KPIs: a mart each, and all of them in kpi_values.",
    "identity": "Which records are the same company, the same person.",
    "operations": "Whether the data can be trusted.",
}


def page(tables: Sequence[TableEntry], kpis: Sequence[dict[str, Any]], about: str) -> str:
    """The page; `kpis` are rows of metrics.kpi_catalog, `about` says which version it describes."""
    used = _used_by(tables)
    names = {table.name for table in tables}
    style = _TOKENS.read_text(encoding="utf-8") + (_HERE / "catalog.css").read_text(encoding="utf-8")
    script = (_HERE / "catalog.js").read_text(encoding="utf-8")
    parts = {
        "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}",
        "style": style,
        "script": script,
        "about": escape(about),
        "kpis": "".join(_kpi(kpi, names) for kpi in kpis),
        "index": "".join(_index(schema, tables) for schema in _SCHEMAS),
        "tables": "".join(_table(table, names, used) for table in tables),
    }
    text = (_HERE / "catalog.html").read_text(encoding="utf-8")
    head, *pieces = text.split("{{ ")
    return head + "".join(parts[name] + rest for name, rest in (piece.split(" }}", 1) for piece in pieces))


def _used_by(tables: Sequence[TableEntry]) -> dict[Column, list[Column]]:
    used: dict[Column, list[Column]] = defaultdict(list)
    for table in tables:
        for column in table.columns:
            for origin in column.origins:
                used[origin].append(Column(table.name, column.name))
    return used


def _kpi(kpi: dict[str, Any], names: set[str]) -> str:
    mart = f"metrics.{kpi['kpi']}"
    name = escape(kpi["title"])
    reading = "" if kpi["variant"] == "default" else f" <small>{escape(kpi['variant'])}</small>"
    link = f'<a href="#{mart}">{name}</a>' if mart in names else name
    said = (escape(str(kpi[column])) for column in ("formula", "clock", "unit", "owner"))
    cells = (f"{link}{reading}", *said, f"<code>{escape(kpi['model'])}</code>")
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _index(schema: str, tables: Sequence[TableEntry]) -> str:
    names = [table.name for table in tables if table.name.startswith(f"{schema}.")]
    links = " ".join(f'<a href="#{name}">{escape(name.split(".", 1)[1])}</a>' for name in names)
    return f"<section><h3>{schema}</h3><p>{_SCHEMAS[schema]}</p><p class='names'>{links}</p></section>\n"


def _table(table: TableEntry, names: set[str], used: dict[Column, list[Column]]) -> str:
    rows = "".join(_column(table, column, names, used) for column in table.columns)
    return (
        f'<details class="table" id="{table.name}">'
        f"<summary><b>{table.name}</b> {escape(table.description)}</summary>"
        f"<dl>{''.join(_facts(table, names))}</dl>"
        '<div class="frame"><table><thead><tr><th>Column</th><th>Meaning</th><th>Type</th><th>Unit</th>'
        "<th>Personal</th><th>Computed from</th><th>Used in</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{_sql(table)}</details>\n"
    )


def _facts(table: TableEntry, names: set[str]) -> Iterator[str]:
    yield _fact("Owner", escape(table.owner.replace("_", " ")))
    yield _fact("One row per", escape(", ".join(table.grain)))
    yield _fact(
        "Computed in", f"<code>{escape(table.file)}</code>" if table.file else "the run itself, in Python"
    )
    if table.reads:
        yield _fact("Reads", ", ".join(_to_table(name, names) for name in table.reads))
    if table.tests:
        tests = "".join(f"<li>{escape(test)}</li>" for test in table.tests)
        yield _fact("Tests", f"<ul>{tests}</ul>")


def _fact(name: str, content: str) -> str:
    return f"<dt>{name}</dt><dd>{content or '–'}</dd>"


def _column(table: TableEntry, column: ColumnEntry, names: set[str], used: dict[Column, list[Column]]) -> str:
    place = Column(table.name, column.name)
    cells = (
        escape(column.description),
        escape(column.kind.lower()),
        escape(column.unit or "–"),
        "yes" if column.is_personal else "no",
        ", ".join(_to_column(each, names) for each in column.origins) or "–",
        ", ".join(_to_column(each, names) for each in used.get(place, ())) or "–",
    )
    return (
        f'<tr id="{table.name}.{column.name}"><th scope="row">{escape(column.name)}</th>'
        f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"
    )


def _sql(table: TableEntry) -> str:
    if not table.sql:
        return ""
    return f"<details><summary>SQL</summary><pre><code>{escape(table.sql)}</code></pre></details>"


def _to_table(name: str, names: set[str]) -> str:
    return f'<a href="#{name}">{name}</a>' if name in names else escape(name)


def _to_column(column: Column, names: set[str]) -> str:
    text = escape(f"{column.table}.{column.name}")
    return f'<a href="#{text}">{text}</a>' if column.table in names else text


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
