"""A KPI is found by its name: file = model = mart = row of the catalog = row of the README."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Node = Mapping[str, Any]

UNITS = {"ratio", "currency", "currency_per_day", "days", "count"}
SHAPE = [
    "variant", "grain", "period_start", "period_end", "dimension", "dimension_value", "value", "numerator",
    "denominator", "n", "value_low", "value_high", "unit", "currency_code", "null_reason",
]  # fmt: skip


def test_the_ten_kpis_of_the_mission_are_there(kpis: dict[str, Node]) -> None:
    assert {
        "win_rate", "sales_cycle_length", "pipeline_velocity", "customer_acquisition_cost",
        "forecast_accuracy", "customer_lifetime_value", "customer_churn", "renewals", "upsells",
        "annual_recurring_revenue",
    } <= set(kpis)  # fmt: skip


def test_every_kpi_has_a_mart_of_its_name_in_a_folder_of_its_area(kpis: dict[str, Node]) -> None:
    for name, model in kpis.items():
        path = Path(model["original_file_path"])
        assert path.match(f"models/metrics/*/{name}.sql")
        assert (model["schema"], model["alias"]) == ("metrics", name)


def test_every_mart_has_the_shape_of_kpi_values(kpis: dict[str, Node], models: dict[str, Node]) -> None:
    for name, model in kpis.items():
        assert list(model["columns"]) == SHAPE, name
    expected = {column: models["kpi_values"]["columns"][column]["data_type"] for column in SHAPE}
    for name, model in kpis.items():
        assert {column: model["columns"][column]["data_type"] for column in SHAPE} == expected, name


def test_every_mart_flows_into_kpi_values_and_only_marts_do(
    kpis: dict[str, Node], models: dict[str, Node]
) -> None:
    parents = {parent.rpartition(".")[2] for parent in models["kpi_values"]["depends_on"]["nodes"]} - {
        "kpi_catalog"
    }
    assert parents == set(kpis)


def test_a_model_among_the_metrics_is_a_kpi_or_says_what_else_it_is(
    kpis: dict[str, Node], models: dict[str, Node]
) -> None:
    for name, model in models.items():
        if model["schema"] == "metrics" and name not in {*kpis, "kpi_values"}:
            assert set(SHAPE[:7]) - set(model["columns"]), f"{name} has the shape of a KPI and no definition"


def test_every_kpi_is_defined_in_words_for_each_variant(kpis: dict[str, Node]) -> None:
    for name, model in kpis.items():
        kpi = model["config"]["meta"]["kpi"]
        assert kpi["question"].endswith("?"), name
        assert kpi["direction"] in ("up", "down") and kpi["definition_version"] and kpi["inputs"], name
        for variant, reading in kpi["variants"].items():
            assert re.fullmatch(r"[a-z][a-z0-9_]*", variant), f"{name}/{variant}"
            assert set(reading) == {"title", "formula", "unit", "clock", "basis"}, f"{name}/{variant}"
            assert all(reading.values()) and reading["unit"] in UNITS, f"{name}/{variant}"


def test_every_kpi_has_a_default_reading(kpis: dict[str, Node]) -> None:
    assert [
        name for name, model in kpis.items() if "default" not in model["config"]["meta"]["kpi"]["variants"]
    ] == []


def test_the_inputs_of_a_kpi_are_entry_entities(kpis: dict[str, Node], models: dict[str, Node]) -> None:
    entities = {model["alias"] for model in models.values() if model["schema"] == "entry"}
    for name, model in kpis.items():
        assert set(model["config"]["meta"]["kpi"]["inputs"]) <= entities, name


# It reads entry.accounts and revenue.accounts, and a unit test of dbt cannot stand in for two tables of one
# name: tests/python/kpis/test_readings_of_deals.py works it out.
WITHOUT_UNIT_TEST = {"silo_index"}


def test_every_kpi_has_a_unit_test_worked_out_by_hand(kpis: dict[str, Node], manifest: Node) -> None:
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    assert set(kpis) - tested == WITHOUT_UNIT_TEST


def test_the_name_of_a_unit_test_is_a_sentence(manifest: Node) -> None:
    for test in manifest["unit_tests"].values():
        assert test["name"].count("_") >= 3, test["name"]
