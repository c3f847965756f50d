"""What the catalog says about each published table, from the published file and dbt's manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import duckdb

from orchestration.catalog.lineage import Column, known_tables, lineage
from orchestration.catalog.units import unit_of
from orchestration.errors import RevopsError
from orchestration.publish.tables import PublishedTable, published_tables

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class ColumnEntry:
    """A column: `unit` is None where nothing says it, `origins` are what its values are computed from."""

    name: str
    kind: str
    unit: str | None
    is_personal: bool
    description: str
    origins: tuple[Column, ...]


@dataclass(frozen=True)
class TableEntry:
    """A published table. `file` is empty for one that Python writes; `reads` are the tables before it."""

    name: str
    description: str
    owner: str
    grain: tuple[str, ...]
    file: str
    sql: str
    tests: tuple[str, ...]
    reads: tuple[str, ...]
    columns: tuple[ColumnEntry, ...]


def entries(
    con: duckdb.DuckDBPyConnection, manifest: Manifest, seeds: Mapping[str, Sequence[str]]
) -> list[TableEntry]:
    """Every table of the published file; `seeds` are the columns of the rules, by name."""
    ((database,),) = con.execute("select current_database()").fetchall()
    nodes = {_name(node): node for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
             if node["resource_type"] in ("model", "seed", "source")}  # fmt: skip
    described = {
        name: {column: about.get("data_type") or "text" for column, about in node["columns"].items()}
        for name, node in nodes.items()
    }
    known = known_tables(
        described | {f"rules.{name}": dict.fromkeys(columns, "text") for name, columns in seeds.items()}
    )
    found = []
    for table in published_tables(con, database, manifest):
        node = nodes.get(table.full_name, {})
        sql = node.get("compiled_code") or ""
        try:
            origins = lineage(table.full_name, sql, known) if sql else {}
        except RevopsError:
            # Tables of the run and of raw data have no described columns: only which are read is known then.
            origins = {}
        found.append(_entry(table, node, origins, manifest))
    return found


def _entry(
    table: PublishedTable,
    node: Mapping[str, Any],
    origins: Mapping[str, frozenset[Column]],
    manifest: Manifest,
) -> TableEntry:
    meta = node.get("config", {}).get("meta", {})
    is_model = node.get("resource_type") == "model"
    parents = node.get("depends_on", {}).get("nodes", [])
    everything = {**manifest["nodes"], **manifest["sources"]}
    return TableEntry(
        name=table.full_name,
        description=table.description,
        owner=str(meta.get("owner") or ""),
        grain=table.grain,
        file=node["original_file_path"] if is_model else "",
        sql=node.get("raw_code", "") if is_model else "",
        tests=_tests(node, manifest) if is_model else (),
        reads=tuple(sorted({_name(everything[parent]) for parent in parents if parent in everything})),
        columns=tuple(
            ColumnEntry(
                name=column,
                kind=kind,
                unit=unit_of(column, kind, _column_meta(node, column).get("unit")),
                is_personal=column in table.personal,
                description=(table.column_descriptions or {}).get(column, ""),
                origins=tuple(sorted(origins.get(column, ()))),
            )
            for column, kind in table.columns.items()
        ),
    )


def _tests(node: Mapping[str, Any], manifest: Manifest) -> tuple[str, ...]:
    """Names of the tests of a model, each with the file it stands in."""
    tests = [
        test for test in manifest["nodes"].values()
        if test["resource_type"] == "test" and node["unique_id"] in test["depends_on"]["nodes"]
    ]  # fmt: skip
    units = [test for test in manifest.get("unit_tests", {}).values() if test["model"] == node["name"]]
    return tuple(
        sorted(f"{test['name']} ({PurePosixPath(test['original_file_path'])})" for test in [*tests, *units])
    )


def _column_meta(node: Mapping[str, Any], column: str) -> Mapping[str, Any]:
    about = node.get("columns", {}).get(column, {})
    return {**about.get("meta", {}), **about.get("config", {}).get("meta", {})}


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node.get('identifier') or node['name']}"
