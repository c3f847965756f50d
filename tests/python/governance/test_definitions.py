"""A KPI's definition does not change under the same definition_version."""

import copy
from pathlib import Path
from typing import Any

import pytest

from orchestration import transform
from scripts.definitions import Definition, definitions, normalised, read, unversioned_changes, write


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return transform.manifest()


@pytest.fixture(scope="module")
def now(manifest: dict[str, Any]) -> dict[str, Definition]:
    return definitions(manifest)


def _changed(manifest: dict[str, Any], path: str, old: str, new: str) -> dict[str, Definition]:
    """The definitions after one edit of a model or macro."""
    edited = copy.deepcopy(manifest)
    for node in edited["nodes"].values():
        if node.get("original_file_path") == path and node["resource_type"] == "model":
            assert old in node["raw_code"]
            node["raw_code"] = node["raw_code"].replace(old, new)
    for macro in edited["macros"].values():
        if macro["original_file_path"] == path and old in macro["macro_sql"]:
            macro["macro_sql"] = macro["macro_sql"].replace(old, new)
    return definitions(edited)


def test_no_definition_changed_without_a_new_version(now: dict[str, Definition]) -> None:
    sentences = unversioned_changes(read(), now)
    assert not sentences, "\n".join(sentences.values())


def test_another_formula_needs_a_new_version(manifest: dict[str, Any], now: dict[str, Definition]) -> None:
    after = _changed(manifest, "models/metrics/sales/win_rate.sql", "is_won", "not is_won")

    assert list(unversioned_changes(now, after)) == ["win_rate"]
    assert "raise definition_version" in unversioned_changes(now, after)["win_rate"]
    assert "models/metrics/sales/win_rate.sql" in unversioned_changes(now, after)["win_rate"]


def test_a_shared_model_is_part_of_every_definition_that_rests_on_it(
    manifest: dict[str, Any], now: dict[str, Definition]
) -> None:
    after = _changed(manifest, "models/metrics/revenue/arr_movements.sql", "'reactivation'", "'new'")

    changed = unversioned_changes(now, after)
    assert {"upsells", "customer_churn"} <= changed.keys()
    assert "sales_cycle_length" not in changed


def test_a_macro_is_part_of_every_definition_that_calls_it(
    manifest: dict[str, Any], now: dict[str, Definition]
) -> None:
    after = _changed(manifest, "macros/safe_divide.sql", "nullif", "coalesce")

    assert {"win_rate", "renewals"} <= unversioned_changes(now, after).keys()


def test_another_catalog_entry_needs_a_new_version(
    manifest: dict[str, Any], now: dict[str, Definition]
) -> None:
    edited = copy.deepcopy(manifest)
    kpi = edited["nodes"]["model.revops.win_rate"]["config"]["meta"]["kpi"]
    kpi["variants"]["default"]["clock"] = "opened_at"

    assert "(catalog)" in unversioned_changes(now, definitions(edited))["win_rate"]


def test_a_new_version_may_say_something_else(manifest: dict[str, Any], now: dict[str, Definition]) -> None:
    edited = copy.deepcopy(manifest)
    kpi = edited["nodes"]["model.revops.win_rate"]["config"]["meta"]["kpi"]
    kpi |= {"question": "Another one?", "definition_version": "2"}

    assert unversioned_changes(now, definitions(edited)) == {}


def test_comments_and_layout_are_no_definition() -> None:
    one = "select a, -- why\n    '-- not a comment' as b {# nor this #}\nfrom t"
    assert normalised(one) == normalised("select a, '-- not a comment' as b from t")
    assert normalised("select '  ' as a") != normalised("select ' ' as a")


def test_what_is_written_is_read(tmp_path: Path, now: dict[str, Definition]) -> None:
    write(now, tmp_path / "definitions.json")
    assert read(tmp_path / "definitions.json") == now


def test_a_kpi_that_comes_or_goes_is_noticed(now: dict[str, Definition]) -> None:
    less = {kpi: each for kpi, each in now.items() if kpi != "win_rate"}

    assert unversioned_changes(less, now)["win_rate"].startswith("win_rate is new")
    assert unversioned_changes(now, less)["win_rate"].startswith("win_rate is no KPI any more")
