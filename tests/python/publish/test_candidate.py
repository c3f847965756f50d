"""What a candidate holds: published schemas only, ordered by grain, described, personal columns masked."""

import grp
import os
from pathlib import Path

import pytest
from synthetic import MANIFEST, write_build

from orchestration.publish.candidate import write_audiences, write_candidate
from orchestration.publish.content import table_hash
from orchestration.publish.tables import published_tables
from orchestration.settings import Audience
from orchestration.warehouse import open_build, open_memory, open_reader


@pytest.fixture
def build(tmp_path: Path) -> Path:
    path = tmp_path / "build.duckdb"
    write_build(path)
    return path


def _rows(path: Path, query: str) -> list[tuple]:
    with open_reader(path) as con:
        return con.execute(query).fetchall()


def test_only_published_schemas_are_copied(build: Path, tmp_path: Path) -> None:
    write_candidate(build, tmp_path / "candidate", MANIFEST, "masked")

    schemas = _rows(
        tmp_path / "candidate" / "revops.duckdb", "select distinct schema_name from duckdb_tables()"
    )

    assert {name for (name,) in schemas} == {"revenue", "metrics", "identity", "operations"}


def test_personal_columns_are_masked_unless_people_are_published_in_full(build: Path, tmp_path: Path) -> None:
    query = (
        "select email, full_name, title from revenue.people"
        " where person_id in ('per_1', 'per_9') order by person_id"
    )
    write_candidate(build, tmp_path / "masked", MANIFEST, "masked")
    write_candidate(build, tmp_path / "full", MANIFEST, "full")

    assert _rows(tmp_path / "masked" / "revops.duckdb", query) == [
        ("***@example.com", None, "Buyer"),
        (None, None, "Buyer"),
    ]
    assert _rows(tmp_path / "full" / "revops.duckdb", query) == [
        ("person1@example.com", "Person 1", "Buyer"),
        ("nobody", "Person 9", "Buyer"),
    ]


def test_an_audience_has_a_file_of_its_own_that_others_cannot_open(build: Path, tmp_path: Path) -> None:
    mine = grp.getgrgid(os.getgid()).gr_name
    audiences = [
        Audience(name="people_team", people="full", group=mine),
        Audience(name="board", schemas=("metrics",)),
    ]
    write_candidate(build, tmp_path / "candidate", MANIFEST, "masked")
    write_audiences(build, tmp_path / "candidate", MANIFEST, audiences)

    team, board = (tmp_path / "candidate" / "audiences" / each.name for each in audiences)
    query = "select email from revenue.people where person_id = 'per_1'"
    assert _rows(team / "revops.duckdb", query) == [("person1@example.com",)]
    assert _rows(tmp_path / "candidate" / "revops.duckdb", query) == [("***@example.com",)]
    schemas = _rows(board / "revops.duckdb", "select distinct schema_name from duckdb_tables()")
    assert schemas == [("metrics",)]
    assert {path.name for path in (board / "parquet").iterdir()} == {"metrics"}
    for path in (team, *team.rglob("*")):
        assert not path.stat().st_mode & 0o007, f"others may open {path}"


def test_no_file_of_a_masked_candidate_holds_a_persons_address(build: Path, tmp_path: Path) -> None:
    folder = tmp_path / "candidate"
    write_candidate(build, folder, MANIFEST, "masked")
    found = []
    with open_memory() as con:
        for parquet in folder.rglob("*.parquet"):
            rows = con.execute("select * from read_parquet(?)", [str(parquet)]).fetchall()
            found += [row for row in rows if "person1@" in str(row) or "Person 1" in str(row)]
    for table in ("revenue.people", "identity.person_members"):
        found += [
            row for row in _rows(folder / "revops.duckdb", f"select * from {table}") if "person1@" in str(row)
        ]

    assert found == []


def test_evidence_of_a_match_keeps_its_rules_and_loses_its_values(build: Path, tmp_path: Path) -> None:
    write_candidate(build, tmp_path / "candidate", MANIFEST, "masked")

    ((rule, value, record, value_a, value_b, weight),) = _rows(
        tmp_path / "candidate" / "revops.duckdb",
        "select evidence->0->>'rule', evidence->0->>'value', evidence->0->>'a', evidence->1->>'value_a',"
        " evidence->1->>'value_b', evidence->1->>'weight' from identity.person_members",
    )

    assert (rule, record, weight) == ("email", "crm:1", "2.5")
    assert (value, value_a, value_b) == ("***", "***", "***")


def test_parquet_holds_the_same_rows_in_the_order_of_the_grain(build: Path, tmp_path: Path) -> None:
    write_candidate(build, tmp_path / "candidate", MANIFEST, "masked")
    with open_memory() as con:
        parquet = con.execute(
            "select * from read_parquet(?)", [str(tmp_path / "candidate/parquet/revenue/people.parquet")]
        ).fetchall()

    table = _rows(tmp_path / "candidate" / "revops.duckdb", "select * from revenue.people")

    assert parquet == table
    assert [row[0] for row in table] == sorted(row[0] for row in table)
    assert len(table) == 50


def test_tables_and_columns_carry_the_descriptions_of_their_models(build: Path, tmp_path: Path) -> None:
    write_candidate(build, tmp_path / "candidate", MANIFEST, "masked")

    assert _rows(
        tmp_path / "candidate" / "revops.duckdb",
        "select comment from duckdb_tables() where table_name = 'people'"
        " union all select comment from duckdb_columns() where table_name = 'people' and column_name ="
        " 'title'",
    ) == [("Everyone known, once.",), ("Job title.",)]


def test_parquet_of_equal_rows_is_equal_byte_for_byte(tmp_path: Path) -> None:
    write_build(tmp_path / "one.duckdb", rows=5000)
    write_build(tmp_path / "two.duckdb", rows=5000)
    with open_build(tmp_path / "two.duckdb") as con:
        con.execute(
            "create or replace table revenue.people as select * from revenue.people order by hash(email)"
        )
    write_candidate(tmp_path / "one.duckdb", tmp_path / "one", MANIFEST, "masked")
    write_candidate(tmp_path / "two.duckdb", tmp_path / "two", MANIFEST, "masked")

    for table in ("revenue/people.parquet", "metrics/kpi_values.parquet"):
        assert (tmp_path / "one/parquet" / table).read_bytes() == (
            tmp_path / "two/parquet" / table
        ).read_bytes()


def _hash(path: Path, statement: str) -> tuple[int, str]:
    with open_build(path) as con:
        con.execute("create schema if not exists metrics")
        con.execute(f"create or replace table metrics.facts as {statement}")
        (table,) = published_tables(con, path.stem, {})
        return table_hash(con, table)


def test_a_content_hash_ignores_order_and_sees_every_change(tmp_path: Path) -> None:
    path = tmp_path / "facts.duckdb"
    rows = "(values ('ab', 'c', 1.50::decimal(9, 2)), ('a', null, 2.00::decimal(9, 2))) as facts(x, y, z)"
    rows_count, reference = _hash(path, f"select * from {rows}")

    assert rows_count == 2
    assert _hash(path, f"select * from {rows} order by z desc")[1] == reference
    changed = {
        "moved text": "select 'a' || left(x, 0) as x, 'bc' as y, z from "
        + rows
        + " where x = 'ab' union all select * from "
        + rows
        + " where x = 'a'",
        "null is not empty": f"select x, coalesce(y, '') as y, z from {rows}",
        "a duplicate": f"select * from {rows} union all (select * from {rows} limit 1)",
        "two"
        " duplicates": f"select * from {rows} union all select * from {rows} union all select * from {rows}",
        "another name": f"select x, y, z as amount from {rows}",
        "another type": f"select x, y, cast(z as decimal(10, 2)) as z from {rows}",
        "another value": f"select x, y, z + 0.01 as z from {rows}",
    }
    hashes = {name: _hash(path, statement)[1] for name, statement in changed.items()}

    assert reference not in hashes.values()
    assert len(set(hashes.values())) == len(changed)
