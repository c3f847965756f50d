"""The rules the business edits: their columns are an interface, their values meet what exists."""

import csv
from pathlib import Path
from typing import Any

import pytest

FIXED = {
    "stage_mapping": ["source_system", "kind", "stage", "shared_stage", "stage_order", "is_closed", "is_won"],
    "metric_policy": ["policy", "setting", "value"],
    "exchange_rates": ["from_currency", "to_currency", "valid_from", "rate", "kind"],
    "targets": [
        "kpi", "variant", "dimension", "dimension_value", "grain", "period_start", "target", "owner",
    ],
}  # fmt: skip
SHARED_STAGES = ["prospecting", "qualified", "proposal", "negotiation", "won", "lost"]


@pytest.fixture(scope="module")
def seeds(project: Path) -> dict[str, list[list[str]]]:
    """The cells of every seed, header first."""
    files = sorted((project / "seeds").glob("*.csv"))
    return {path.stem: list(csv.reader(path.open(encoding="utf-8", newline=""))) for path in files}


@pytest.mark.parametrize("name", FIXED)
def test_the_header_of_a_seed_is_fixed(seeds: dict[str, list[list[str]]], name: str) -> None:
    assert seeds[name][0] == FIXED[name]


def test_every_row_of_a_seed_has_as_many_cells_as_its_header(seeds: dict[str, list[list[str]]]) -> None:
    for name, (header, *rows) in seeds.items():
        assert len(set(header)) == len(header), name
        for number, row in enumerate(rows, start=2):
            assert len(row) == len(header), f"{name}.csv, line {number}"


def test_every_seed_is_described(seeds: dict[str, Any], manifest: dict[str, Any]) -> None:
    described = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "seed"}
    assert set(described) == set(seeds)


def test_stages_map_onto_the_shared_ones(seeds: dict[str, list[list[str]]]) -> None:
    header, *rows = seeds["stage_mapping"]
    for cells in rows:
        row = dict(zip(header, cells, strict=True))
        assert row["shared_stage"] in SHARED_STAGES, row
        assert row["is_won"] == ("true" if row["shared_stage"] == "won" else "false"), row
        assert row["is_closed"] == ("true" if row["shared_stage"] in ("won", "lost") else "false"), row


def test_targets_name_a_kpi_and_a_variant_that_exist(
    seeds: dict[str, list[list[str]]], kpis: dict[str, Any]
) -> None:
    header, *rows = seeds["targets"]
    for cells in rows:
        row = dict(zip(header, cells, strict=True))
        assert row["kpi"] in kpis, row
        assert row["variant"] in kpis[row["kpi"]]["config"]["meta"]["kpi"]["variants"], row
        float(row["target"])
