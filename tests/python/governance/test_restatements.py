"""What was published of a closed period stays on record when a later run computes something else."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from small_business import configure, publish, published, write_source

pytestmark = pytest.mark.slow

RESTATED = (
    "select kpi, variant, grain, period_start, dimension, dimension_value, old_value, new_value, cause,"
    " restated_at from operations.kpi_restatements"
)
JUNE = date(2026, 6, 30)


def _deals(**amounts: float) -> list[dict[str, Any]]:
    return [
        {
            "source_id": name,
            "name": f"Deal {name}",
            "account_source_id": "a1",
            "owner_source_id": "u1",
            "kind": "new_business",
            "product": "Suite",
            "stage": "Closed Won",
            "amount": amount,
            "opened_at": "2026-01-05T09:00:00Z",
            "closed_at": f"2026-0{month}-10T09:00:00Z",
            "created_at": "2026-01-05T09:00:00Z",
        }
        for month, (name, amount) in enumerate(amounts.items(), start=2)
    ]


@dataclass(frozen=True)
class History:
    """What the restatement table said after each of three runs."""

    after: tuple[list[tuple[Any, ...]], ...]
    home: Path


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Published; one amount edited, published; published again; an e-mail edited, published."""
    root = tmp_path_factory.mktemp("restated")
    home = root / "home"
    accounts = [{"source_id": "a1", "name": "Acme", "segment": "Enterprise", "region": "North"}]
    people = [{"source_id": "p1", "kind": "contact", "full_name": "Ada Doe", "email": "ada@acme.example"}]
    write_source(
        root, "crm", accounts=accounts, people=people, opportunities=_deals(d1=1000, d2=3000, d3=500)
    )
    settings = configure(root)
    after = []

    def run() -> None:
        publish(settings, home, JUNE)
        after.append(published(home, f"{RESTATED} order by all"))

    run()
    write_source(root, "crm", opportunities=_deals(d1=1000, d2=4000, d3=500))
    run()
    write_source(root, "crm", people=[people[0] | {"email": "ada.doe@acme.example"}])
    run()
    return History(tuple(after), home)


def test_the_first_version_restates_nothing(history: History) -> None:
    assert history.after[0] == []


def test_an_edit_of_a_closed_month_is_listed_with_old_and_new_value(history: History) -> None:
    months = [
        row for row in history.after[1] if row[0] == "average_deal_size" and row[1:3] == ("default", "month")
    ]

    assert [row[3:8] for row in months if row[4] == "all"] == [
        (date(2026, 3, 1), "all", "all", 3000.0, 4000.0)
    ]
    # the slices of that deal, and no other month
    assert {row[3] for row in months} == {date(2026, 3, 1)}
    assert {row[4] for row in months} >= {"all", "segment", "region", "product"}


def test_only_values_that_rest_on_the_edited_amount_are_listed(history: History) -> None:
    assert {row[0] for row in history.after[1]} <= {
        "average_deal_size",
        "pipeline_created",
        "pipeline_velocity",
        "quota_attainment",
    }
    assert not [row for row in history.after[1] if row[6] == row[7]]
    # win rates count deals
    assert not [row for row in history.after[1] if row[0] == "win_rate"]


def test_the_cause_names_the_field_of_the_record(history: History) -> None:
    cause = json.loads(next(row[8] for row in history.after[1] if row[0] == "average_deal_size"))

    assert cause == {
        "changes": 1,
        "records": [
            {
                "source_system": "crm",
                "entity": "opportunities",
                "source_id": "d2",
                "field": "amount",
                "old": "3000.0000",
                "new": "4000.0000",
            }
        ],
    }


def test_a_run_that_changes_no_value_keeps_the_rows_and_adds_none(history: History) -> None:
    assert history.after[2] == history.after[1]


def test_what_was_published_before_is_not_part_of_what_the_data_says(history: History) -> None:
    manifest = json.loads((history.home / "published" / "current" / "manifest.json").read_text("utf-8"))
    table = manifest["tables"]["operations.kpi_restatements"]
    assert table == {"rows": len(history.after[2]), "content_hash": None}
