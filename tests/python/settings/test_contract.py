"""The entry contract as the package sees it."""

from pathlib import Path

import pytest
import yaml

from orchestration.contract import Column, entry_contract

SHARED = Path(__file__).parents[4] / "shared" / "contracts" / "entry.yml"


def test_every_entity_begins_with_the_common_columns():
    for entity in entry_contract().values():
        assert list(entity.columns)[:6] == [
            "source_system",
            "source_id",
            "created_at",
            "updated_at",
            "is_deleted",
            "custom",
        ]
        assert entity.columns["source_id"].required
        assert not entity.columns["is_deleted"].required


def test_columns_carry_type_list_default_and_sensitivity():
    columns = entry_contract()["subscription_periods"].columns
    assert columns["amount"].type == "money" and columns["amount"].required
    assert columns["interval"].one_of == ("day", "week", "month", "quarter", "year")
    assert columns["interval_count"].default == 1 and not columns["interval_count"].required
    assert entry_contract()["people"].columns["email"].pii


def test_the_contract_is_read_once_and_cannot_be_changed():
    assert entry_contract() is entry_contract()
    with pytest.raises(TypeError):
        entry_contract()["accounts"].columns["x"] = Column("x", "text")


@pytest.mark.skipif(not SHARED.exists(), reason="the shared contracts are not here")
def test_the_contract_is_the_shared_one():
    shared = yaml.safe_load(SHARED.read_text())
    assert set(entry_contract()) == set(shared["entities"])
    for name, own in shared["entities"].items():
        stated = {
            column: (
                facts["type"],
                facts.get("required", False),
                tuple(facts.get("one_of", ())),
                facts.get("default"),
            )
            for column, facts in {**shared["common"], **own}.items()
        }
        read = {
            column.name: (column.type, column.required, column.one_of, column.default)
            for column in entry_contract()[name].columns.values()
        }
        assert read == stated, name
