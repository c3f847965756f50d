"""The silos of the pretend company, as they are delivered: who is who, against the world that wrote them."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from orchestration.contract import PROJECT_ROOT, entry_contract
from orchestration.identity import resolve
from sandbox.corpus.figures import figures, members, write_entry
from sandbox.delivery import deliver
from sandbox.truth.members import members as who_is_who
from sandbox.world import World

UNTIL = date(2025, 12, 31)


def records(folder: Path, entity: str) -> list[dict[str, str | None]]:
    """Every record of an entity, mapped as revops.yml says; the last of several with one id."""
    sources = yaml.safe_load((PROJECT_ROOT / "revops.yml").read_text(encoding="utf-8"))["sources"]
    mappings = [(s, s["entities"][entity]) for s in sources if entity in s["entities"]]
    columns = [c for c in entry_contract()[entity].columns if c not in ("source_system", "custom")]
    found: dict[tuple[str, str], dict[str, str | None]] = {}
    for source, mapping in mappings:
        system = source["name"]
        for row in _rows(folder / system / mapping["file"], source.get("delimiter", ",")):
            values = {c: _text(row.get(mapping["columns"].get(c, c))) for c in columns}
            found[system, str(values["source_id"])] = {"source_system": system, **values}
    return list(found.values())


def _rows(file: Path, delimiter: str):
    if file.suffix == ".parquet":
        yield from pq.read_table(file).to_pylist()
        return
    with file.open(newline="", encoding="utf-8") as opened:
        yield from (
            map(json.loads, opened)
            if file.suffix == ".jsonl"
            else csv.DictReader(opened, delimiter=delimiter)
        )


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, default=str)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 11, 23])
def test_the_records_of_all_silos_come_together(tmp_path, seed):
    world = World(until=UNTIL, seed=seed, scale=0.4)
    deliver(world, tmp_path / "silos")
    file = tmp_path / "build.duckdb"
    write_entry(file, records(tmp_path / "silos", "accounts"), records(tmp_path / "silos", "people"))
    resolve(file, as_of=UNTIL, rules=tmp_path)
    truth = who_is_who(world)
    companies = figures(members(file, "account"), truth.companies)
    assert companies.precision == 1, companies
    assert companies.recall >= 0.93, companies
    assert companies.b_cubed >= 0.975, companies
    people = figures(members(file, "person"), truth.people)
    assert people.precision >= 0.998, people
    assert people.recall >= 0.955, people
    assert people.b_cubed >= 0.985, people
    assert people.most_truths <= 2, people
    print(seed, companies, people)
