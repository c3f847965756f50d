"""How a KPI value came about: definition, policy, numerator and denominator, and the source records behind
them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TextIO

import duckdb
from rich.console import Console

from orchestration.exports import Format, print_rows
from orchestration.kpi import KpiQuery, kpi_values
from orchestration.records import BEHIND, Behind, Records
from orchestration.scorecard import format_value, null_reason_text

_RECORDS_SHOWN = 20
_RECORD_COLUMNS = ("source_records", "name", "happened_on", "amount", "about")


@dataclass(frozen=True)
class RecordSet:
    """Records of one role: numerator, denominator, or what else the value rests on.

    `difference` is what the records lack to the published number; None where they need not add up to one.
    """

    role: str
    title: str
    rows: list[dict[str, Any]]
    difference: Decimal | None = None


@dataclass(frozen=True)
class Explanation:
    """One KPI and variant: its definition, the policy it was computed under, and the values of one period."""

    definition: dict[str, Any]
    policy: dict[str, Any]
    values: list[tuple[dict[str, Any], list[RecordSet]]]


def explain(con: duckdb.DuckDBPyConnection, query: KpiQuery, manifest: Mapping[str, Any]) -> Explanation:
    """Explain the last complete period that `query` asks for, every slice of it."""
    columns, rows = kpi_values(con, query)
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    last = max(
        (row["period_start"] for row in named if (row["period_end"] - row["as_of"]).days <= 1),
        default=max((row["period_start"] for row in named), default=None),
    )
    behind = BEHIND.get((query.name, query.variant)) or _records_of_the_default(query.name)
    return Explanation(
        definition=_definition(con, query),
        policy={**manifest.get("reporting", {}), **manifest.get("policy", {}).get(query.name, {})},
        values=[
            (row, _record_sets(con, behind, row) if not _lacks_input(row) else [])
            for row in named
            if row["period_start"] == last
        ],
    )


def print_explanation(explanation: Explanation, output_format: Format, file: TextIO) -> None:
    """Print for reading with the first records of each set, or as JSON or CSV with all of them."""
    if output_format is Format.JSON:
        document = {
            "definition": explanation.definition,
            "policy": explanation.policy,
            "values": [
                value | {"records": [{"role": s.role, "title": s.title, "records": s.rows} for s in sets]}
                for value, sets in explanation.values
            ],
        }
        json.dump(document, file, default=_json_value, indent=1, ensure_ascii=False)
        file.write("\n")
        return
    if output_format is Format.CSV:
        print_rows(
            (
                "dimension_value",
                "role",
                "source_system",
                "source_id",
                "name",
                "happened_on",
                "amount",
                "about",
            ),
            [
                (value["dimension_value"], records.role, *_source(row), *list(row.values())[1:])
                for value, sets in explanation.values
                for records in sets
                for row in records.rows
            ],
            Format.CSV,
            file,
        )
        return
    _print_for_reading(explanation, file)


def _print_for_reading(explanation: Explanation, file: TextIO) -> None:
    console = Console(file=file, highlight=False, soft_wrap=True, markup=False)
    for name in (
        "title",
        "question",
        "formula",
        "clock",
        "basis",
        "unit",
        "owner",
        "definition_version",
        "model",
    ):
        console.print(f"{name.replace('_', ' ') + ':':20}{explanation.definition[name]}")
    for name, setting in explanation.policy.items():
        console.print(f"{name.replace('_', ' ') + ':':20}{setting}")
    if not explanation.values:
        console.print("\nNo period in this range has a value.")
    for value, sets in explanation.values:
        shown = null_reason_text(value["null_reason"])
        if value["value"] is not None:
            shown = format_value(value["value"], value["unit"], value["currency_code"] or "")
        where = "" if value["dimension"] == "all" else f", {value['dimension']} {value['dimension_value']}"
        console.print(f"\n{value['period_start']} to {value['period_end']}{where}: {shown}")
        console.print(
            f"  numerator {_plain(value['numerator'])}, denominator {_plain(value['denominator'])}, n"
            f" {value['n']}"
        )
        for records in sets:
            console.print(f"\n{records.role}: {records.title}, {len(records.rows):,} records")
            if records.difference:
                console.print(f"  these records lack {_plain(records.difference)} to the published number")
            print_rows(
                ("source", "name", "day", "amount", "about"),
                [
                    (
                        " ".join(
                            f"{each['source_system']}:{each['source_id']}" for each in row["source_records"]
                        ),
                        row["name"],
                        row["happened_on"],
                        "" if row["amount"] is None else _plain(Decimal(row["amount"])),
                        row["about"],
                    )
                    for row in records.rows[:_RECORDS_SHOWN]
                ],
                Format.TABLE,
                file,
            )
            if len(records.rows) > _RECORDS_SHOWN:
                console.print(f"and {len(records.rows) - _RECORDS_SHOWN:,} more; --format csv lists all")


def _records_of_the_default(kpi: str) -> Behind:
    """For a reading that is no sum or count of records: those of the default reading, without a role."""
    default = BEHIND.get((kpi, "default"), Behind())
    found = [records for records in (default.numerator, default.denominator, *default.others) if records]
    return Behind(others=tuple(replace(records, adds_up=None) for records in found))


def _definition(con: duckdb.DuckDBPyConnection, query: KpiQuery) -> dict[str, Any]:
    cursor = con.execute(
        "select * from metrics.kpi_catalog where kpi = ? and variant = ?", [query.name, query.variant]
    )
    names = [column[0] for column in cursor.description or []]
    return dict(zip(names, cursor.fetchall()[0], strict=True))


def _lacks_input(value: Mapping[str, Any]) -> bool:
    return str(value["null_reason"] or "").startswith("missing_input")


def _record_sets(con: duckdb.DuckDBPyConnection, behind: Behind, value: Mapping[str, Any]) -> list[RecordSet]:
    wanted = [
        ("numerator", behind.numerator, value["numerator"]),
        ("denominator", behind.denominator, value["denominator"]),
        *(("records", records, None) for records in behind.others),
    ]
    return [
        _record_set(con, role, records, published, value)
        for role, records, published in wanted
        if records is not None and (value["dimension"] == "all" or value["dimension"] in records.slices)
    ]


def _record_set(
    con: duckdb.DuckDBPyConnection,
    role: str,
    records: Records,
    published: Decimal | None,
    value: Mapping[str, Any],
) -> RecordSet:
    sliced = "true"
    if value["dimension"] != "all":
        sliced = f"coalesce({records.slices[value['dimension']]}, 'unknown') = $dimension_value"
    query = records.sql.format(slice=sliced)
    parameters = {
        "since": value["period_start"],
        "until": value["period_end"],
        "grain": value["grain"],
        "as_of": value["as_of"],
        "dimension_value": value["dimension_value"],
    }
    used = {name: given for name, given in parameters.items() if re.search(rf"\${name}\b", query)}
    rows = [dict(zip(_RECORD_COLUMNS, row, strict=True)) for row in con.execute(query, used).fetchall()]
    difference = None
    if records.adds_up is not None and published is not None:
        sums = {
            "count": Decimal(len(rows)),
            "amount": sum((Decimal(row["amount"] or 0) for row in rows), Decimal(0)),
        }
        difference = published - sums[records.adds_up]
    return RecordSet(role, records.title, rows, difference)


def _source(row: Mapping[str, Any]) -> tuple[str, str]:
    """The systems and the ids of the source records, each separated by blanks."""
    found = row["source_records"]
    systems = dict.fromkeys(each["source_system"] for each in found)
    return " ".join(systems), " ".join(each["source_id"] for each in found)


def _plain(number: Decimal | None) -> str:
    return "none" if number is None else f"{number:,.6f}".rstrip("0").rstrip(".")


def _json_value(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
