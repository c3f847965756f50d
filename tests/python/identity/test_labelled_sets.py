"""Labelled public records, under the one configuration all data get; figures are printed as they are."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from orchestration.contract import PROJECT_ROOT
from orchestration.identity import resolve
from sandbox.corpus.figures import figures, members, write_entry

SETS = PROJECT_ROOT.parent / "shared" / "data" / "identity"
Row = dict[str, str | None]
Labelled = tuple[str, list[Row], dict[tuple[str, str], str]]

pytestmark = pytest.mark.skipif(not SETS.is_dir(), reason="the labelled sets are not here")


def rows(file: Path) -> Iterator[dict[str, str]]:
    with (
        gzip.open(file, "rt", encoding="utf-8")
        if file.suffix == ".gz"
        else open(file, encoding="utf-8") as lines
    ):
        yield from csv.DictReader(lines, skipinitialspace=True)


def febrl(*names: str) -> Labelled:
    """People without e-mail; what no entry column holds is in `custom`, as a files source leaves it."""
    people: list[Row] = []
    truth = {}
    for name in names:
        for row in rows(SETS / "febrl" / f"{name}.csv.gz"):
            known = {column: value for column, value in row.items() if value}
            people.append(
                {
                    "source_system": name,
                    "source_id": known.pop("rec_id"),
                    "first_name": known.pop("given_name", None),
                    "last_name": known.pop("surname", None),
                    "city": known.pop("suburb", None),
                    "postal_code": known.pop("postcode", None),
                    "custom": json.dumps(known),
                }
            )
            truth[name, row["rec_id"]] = row["rec_id"].split("-")[1]
    return "person", people, truth


def splink() -> Labelled:
    """People with e-mail, badly misspelt."""
    people: list[Row] = []
    truth = {}
    for row in rows(SETS / "splink" / "fake_1000.csv"):
        people.append(
            {
                "source_system": "fake",
                "source_id": row["unique_id"],
                "first_name": row["first_name"] or None,
                "last_name": row["surname"] or None,
                "email": row["email"] or None,
                "city": row["city"] or None,
                "custom": json.dumps({"dob": row["dob"]}),
            }
        )
        truth["fake", row["unique_id"]] = row["cluster"]
    return "person", people, truth


def patents() -> Labelled:
    """Names of companies and nothing else; the truth counts a group and its affiliates as one."""
    accounts: list[Row] = []
    truth = {}
    for row in rows(SETS / "patents" / "patstat_reference.csv"):
        record = {"source_system": "patents", "source_id": row["person_id"], "name": row["person_name"]}
        accounts.append({**record})
        truth["patents", row["person_id"]] = row["leuven_id"]
    return "account", accounts, truth


@pytest.mark.slow
@pytest.mark.parametrize(
    ("read", "precision", "recall"),
    [
        pytest.param(lambda: febrl("dataset1"), 0.998, 0.98, id="febrl 1"),
        pytest.param(lambda: febrl("dataset3"), 0.998, 0.98, id="febrl 3"),
        pytest.param(lambda: febrl("dataset4a", "dataset4b"), 0.998, 0.98, id="febrl 4"),
        pytest.param(splink, 0.998, 0.70, id="splink"),
        pytest.param(patents, 0.99, 0.50, id="patents"),
    ],
)
def test_labelled_records_are_found(
    tmp_path: Path, read: Callable[[], Labelled], precision: float, recall: float
) -> None:
    kind, records, truth = read()
    file = tmp_path / "build.duckdb"
    write_entry(file, records if kind == "account" else [], records if kind == "person" else [])
    resolve(file, as_of=date(2026, 11, 23), rules=tmp_path)
    found = figures(members(file, kind), truth)
    print(f"{len(truth):,} records: {found}, F {found.f:.4f}")
    assert found.precision >= precision, found
    assert found.recall >= recall, found
    assert found.most_truths <= 2, found
