"""The directly-follows graph and the variants of the process models, against the textbook's example."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from kpi_cases import AS_OF

from orchestration import transform
from orchestration.settings import load_settings

MODELS = ("process_moves", "process_variants")


@pytest.fixture(scope="module")
def example(shared: Path) -> dict[str, Any]:
    document = yaml.safe_load((shared / "golden" / "metrics.yaml").read_text())
    return next(each for each in document["examples"] if each["id"] == "process_running_example")


@pytest.fixture(scope="module")
def mined(
    example: dict[str, Any], built_without_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A build whose only events are those of the example, and the two models on top of it."""
    file = tmp_path_factory.mktemp("mined") / "build.duckdb"
    shutil.copy(built_without_data, file)
    shutil.copytree(built_without_data.parent / "rules", file.parent / "rules")
    config = file.parent / "revops.yml"
    config.write_text("sources: []\n")
    code = transform.compiled(" ".join(MODELS), build_file=file, settings=load_settings(config), as_of=AS_OF)
    con = duckdb.connect(str(file))
    for case, events in example["inputs"]["cases"].items():
        for number, (activity, at) in enumerate(events, start=1):
            con.execute(
                "insert into revenue.process_events"
                " (event_id, case_id, playbook, state, occurred_at, occurred_on, sequence)"
                " values (?, ?, 'example', ?, cast(? as timestamp), cast(? as date), ?)",
                [f"{case}-{number}", str(case), activity, at, at[:10], number],
            )
    for model in MODELS:
        con.execute(f"create or replace table metrics.{model} as {code[model]}")
    yield con
    con.close()


def test_every_move_is_counted_as_often_as_it_was_made(
    mined: duckdb.DuckDBPyConnection, example: dict[str, Any]
) -> None:
    moves = dict(
        ((before, after), count)
        for before, after, count in mined.execute(
            "select from_state, to_state, moves from metrics.process_moves"
        ).fetchall()
    )
    expected = example["expected"]
    inner = {f"{a} > {b}": n for (a, b), n in moves.items() if a != "(start)" and b != "(end)"}
    assert inner == expected["directly_follows"]
    assert {b: n for (a, b), n in moves.items() if a == "(start)"} == expected["start"]
    assert {a: n for (a, b), n in moves.items() if b == "(end)"} == expected["end"]


def test_waits_between_two_states_are_those_of_the_example(
    mined: duckdb.DuckDBPyConnection, example: dict[str, Any]
) -> None:
    hours = {
        f"{before} > {after}": days * 24
        for before, after, days in mined.execute(
            "select from_state, to_state, mean_days from metrics.process_moves where mean_days is not null"
        ).fetchall()
    }
    for move, expected in example["expected"]["mean_wait_hours"].items():
        assert hours[move] == pytest.approx(expected, abs=example["tolerance"])


def test_variants_and_throughput_are_those_of_the_example(
    mined: duckdb.DuckDBPyConnection, example: dict[str, Any]
) -> None:
    expected = example["expected"]
    ((cases, events, mean, median),) = mined.execute(
        "select cases, events, mean_days, median_days from metrics.process_variants where variant = 'all'"
    ).fetchall()
    assert (cases, events) == (expected["cases"], expected["events"])
    assert mean == pytest.approx(expected["throughput_days"]["mean"], abs=example["tolerance"])
    assert median == pytest.approx(expected["throughput_days"]["median"], abs=example["tolerance"])
    variants = mined.execute(
        "select variant, cases from metrics.process_variants where variant <> 'all'"
    ).fetchall()
    assert len(variants) == expected["variants"]
    assert len({state for path, _ in variants for state in path.split(" > ")}) == expected["activities"]
