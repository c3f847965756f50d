"""The models run on more engines than DuckDB: its own functions stay in dispatched macros."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlglot
from sql_text import as_written, without_texts
from sqlglot import exp

Node = Mapping[str, Any]

# sqlglot passes these through to engines that do not know them.
BANNED = {
    "asof join": r"\basof\b",
    "qualify": r"\bqualify\b",
    "//": r"//",
    "arg_max": r"\barg_(max|min)\b|\b(max|min)_by\b",
    "list(": r"\blist\s*\(",
    "unnest(range": r"\bunnest\s*\(\s*(range|generate_series)",
    "epoch(": r"\bepoch(_\w+)?\s*\(",
    "quantile_cont": r"\bquantile\w*\s*\(|\bmedian\s*\(",
    "* exclude": r"\*\s*(exclude|except|replace|rename)\b",
    "group by all": r"\b(group|order)\s+by\s+all\b",
    "any_value": r"\bany_value\s*\(",
    "first(": r"\b(first|last)\s*\(",
    "filter (": r"\bfilter\s*\(",
    "::": r"::",
    "bare union": r"\bunion\b(?!\s+(all|distinct)\b)",
    "natural or positional join": r"\b(natural|positional)\s+join\b",
    "pivot": r"\b(un)?pivot\b",
    "string_agg": r"\b(string_agg|group_concat|listagg|array_agg)\s*\(",
    "limit": r"\blimit\s+\d",
    "try_cast": r"\btry_cast\s*\(",
    "struct or list literal": r"\bstruct_pack\b|\brow\s*\(",
}
DIALECTS = ("spark", "databricks", "postgres", "redshift", "snowflake", "bigquery")
CLOCK = re.compile(
    r"\b(current_date|current_timestamp|current_time|localtimestamp|localtime|getdate|sysdate|get_current_\w+)\b"
    r"|\b(now|today|random|rand|uuid|gen_random_uuid|setseed|transaction_timestamp)\s*\(",
    re.IGNORECASE,
)


def _banned(code: str) -> Iterator[str]:
    for name, pattern in BANNED.items():
        if re.search(pattern, code, re.IGNORECASE):
            yield name


def test_models_and_tests_use_no_construct_of_one_engine(models: dict[str, Node], manifest: Node) -> None:
    tests = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and not node.get("test_metadata")
    ]
    for node in [*models.values(), *tests]:
        found = list(_banned(as_written(node["raw_code"])))
        assert not found, f"{node['original_file_path']}: {', '.join(found)}"


def test_macros_use_such_constructs_only_in_the_body_for_that_engine(manifest: Node) -> None:
    engines = ("duckdb__", "spark__", "postgres__", "default__")
    for macro in manifest["macros"].values():
        if macro["package_name"] == "revops" and not macro["name"].startswith(engines):
            found = list(_banned(as_written(macro["macro_sql"])))
            assert not found, f"{macro['original_file_path']}, {macro['name']}: {', '.join(found)}"


def test_a_body_for_duckdb_has_one_for_other_engines(manifest: Node) -> None:
    names = {macro["name"] for macro in manifest["macros"].values() if macro["package_name"] == "revops"}
    for name in names:
        if name.startswith("duckdb__"):
            rest = name.removeprefix("duckdb__")
            assert f"default__{rest}" in names or f"spark__{rest}" in names, f"{name} has no counterpart"


def test_no_compiled_statement_reads_the_clock_or_chance(compiled: dict[str, str]) -> None:
    for path, code in compiled.items():
        found = CLOCK.search(without_texts(code))
        assert not found, f"{path}: {found and found[0]}"


def test_every_compiled_model_can_be_said_in_other_dialects(
    compiled: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    # what a dialect says otherwise, such as the place of nulls, is a warning for each place
    caplog.set_level(logging.ERROR, logger="sqlglot")
    refused = {}
    for path, code in compiled.items():
        if path.startswith("models/"):
            query = sqlglot.parse_one(code, read="duckdb")
            for dialect in DIALECTS:
                if dialect == "redshift" and "generate_series" in code:
                    continue  # it has no series of rows; macro date_series needs a body for it
                try:
                    said = query.sql(dialect=dialect)
                    assert isinstance(sqlglot.parse_one(said, read=dialect), exp.Query), path
                except sqlglot.ParseError as error:
                    refused[path, dialect] = str(error).splitlines()[1][-120:]
    assert not refused


def test_every_window_that_numbers_rows_has_an_order(compiled: dict[str, str]) -> None:
    for path, code in compiled.items():
        if path.startswith("models/"):
            for window in sqlglot.parse_one(code, read="duckdb").find_all(exp.Window):
                if isinstance(
                    window.this, exp.RowNumber | exp.Lag | exp.Lead | exp.FirstValue | exp.LastValue
                ):
                    assert window.args.get("order"), f"{path}: {window.sql()}"
