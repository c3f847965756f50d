"""What is published of every table: its columns, order, masked columns and the words that describe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from orchestration.settings import SCHEMAS
from orchestration.warehouse import identifier, tables

# What differs between two runs over the same data: left out of content hashes, so that equal data has equal
# hashes.
_RUN_COLUMNS: dict[str, frozenset[str]] = {
    "operations.reconciliation": frozenset({"run_id"}),
    "operations.data_quality": frozenset({"run_id"}),
    "operations.source_freshness": frozenset({"last_read_at"}),
}
_RUN_TABLES = frozenset({"operations.runs", "operations.run_steps", "operations.kpi_restatements"})

# Python writes the evidence of a match as JSON; these keys hold the compared values themselves.
_EVIDENCE_VALUES = r'"(value|value_a|value_b)"\s*:\s*("([^"\\]|\\.)*"|[^",}\]]+)'


@dataclass(frozen=True)
class PublishedTable:
    """One table of the published file. `columns` maps column to DuckDB type, in order."""

    schema: str
    name: str
    columns: Mapping[str, str]
    grain: tuple[str, ...] = ()
    personal: frozenset[str] = frozenset()
    description: str = ""
    column_descriptions: Mapping[str, str] | None = None

    @property
    def full_name(self) -> str:
        """schema.table, as analysts write it."""
        return f"{self.schema}.{self.name}"

    @property
    def sql_name(self) -> str:
        """schema.table with both names quoted."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    @property
    def order_by(self) -> str:
        """The grain, or every column where none is stated: the same rows always lie in the same order."""
        return ", ".join(identifier(column) for column in self.grain or self.columns)

    @property
    def is_hashed(self) -> bool:
        """Whether the table says something about the data rather than about runs."""
        return self.full_name not in _RUN_TABLES

    @property
    def hashed_columns(self) -> dict[str, str]:
        """The columns that are the same whenever the data is the same."""
        left_out = _RUN_COLUMNS.get(self.full_name, frozenset())
        return {column: kind for column, kind in self.columns.items() if column not in left_out}

    def select_list(self, people: Literal["masked", "full"]) -> str:
        """The columns as they are published, personal ones masked unless `people` is 'full'."""
        return ", ".join(
            f"{self._masked(column, kind)} as {identifier(column)}"
            if people == "masked"
            else identifier(column)
            for column, kind in self.columns.items()
        )

    def _masked(self, column: str, kind: str) -> str:
        quoted = identifier(column)
        if column in self.personal:
            if kind == "VARCHAR" and "email" in column:
                return f"case when contains({quoted}, '@') then regexp_replace({quoted}, '^.*@', '***@') end"
            return f"cast(null as {kind})"
        if self.schema == "identity" and (kind == "JSON" or column == "evidence"):
            masked = (
                f"""regexp_replace(cast({quoted} as varchar), '{_EVIDENCE_VALUES}', '"\\1": "***"', 'g')"""
            )
            return f"cast({masked} as {kind})"
        return quoted


def published_tables(
    con: duckdb.DuckDBPyConnection, database: str, manifest: Mapping[str, Any]
) -> list[PublishedTable]:
    """Every table and view in the published schemas of `database`, described by dbt's `manifest` where it
    knows it.
    """
    described = _nodes_by_table(manifest)
    found = []
    for schema in SCHEMAS:
        for name, columns in tables(con, database, schema).items():
            node = described.get((schema, name), {})
            node_columns = node.get("columns", {})
            grain = tuple(_meta(node).get("grain", ()))
            found.append(
                PublishedTable(
                    schema=schema,
                    name=name,
                    columns=columns,
                    grain=grain if set(grain) <= set(columns) else (),
                    personal=frozenset(
                        column for column, about in node_columns.items() if _meta(about).get("pii") is True
                    ),
                    description=node.get("description", ""),
                    column_descriptions={
                        column: about.get("description", "") for column, about in node_columns.items()
                    },
                )
            )
    return found


def personal_columns(manifest: Mapping[str, Any]) -> frozenset[str]:
    """The names of all columns that some model marks as personal data."""
    return frozenset(
        column
        for node in manifest.get("nodes", {}).values()
        for column, about in node.get("columns", {}).items()
        if _meta(about).get("pii") is True
    )


def _nodes_by_table(manifest: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    nodes = [*manifest.get("nodes", {}).values(), *manifest.get("sources", {}).values()]
    return {
        (node["schema"], node.get("alias") or node.get("identifier") or node["name"]): node
        for node in nodes
        if node.get("resource_type") in ("model", "seed", "source")
    }


def _meta(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**node.get("meta", {}), **node.get("config", {}).get("meta", {})}
