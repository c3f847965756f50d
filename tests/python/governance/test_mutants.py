"""The mutation script breaks what it says it breaks, and tells broken rows from sound ones."""

import csv
from collections.abc import Iterator

import duckdb
import pytest
from sqlglot import exp

from scripts.mutate_kpis import EQUIVALENT, Case, Mutant, is_equivalent, judge, mutants, same_places, tree_of

MODEL = """
-- a comment
with won as (select * from "build"."revenue"."deals" where amount > 10 and is_won)
select owner, sum(amount) as amount from won group by owner
union all
select 'all', coalesce(sum(amount), 0) from won
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as con:
        con.execute("attach ':memory:' as build")
        con.execute("create schema build.revenue")
        con.execute("create table build.revenue.deals (owner varchar, amount integer, is_won boolean)")
        yield con


def _case(tree: exp.Expression, con: duckdb.DuckDBPyConnection) -> Case:
    return Case(tree, lambda sql: sql, con, same_places(tree, tree))


def _survivors(con: duckdb.DuckDBPyConnection) -> set[str]:
    tree = tree_of(MODEL)
    _, left = judge(mutants("deals", tree), [_case(tree, con)])
    return {mutant.name for mutant in left}


def test_every_break_of_a_query_is_found_once() -> None:
    names = [mutant.name for mutant in mutants("deals", tree_of(MODEL))]

    assert len(names) == len(set(names))
    assert {name.partition(":")[0] for name in names} == {
        "drop the last of",
        "drop",
        "And to Or",
        "drop left condition of",
        "drop right condition of",
        "GT to GTE",
        "GT to LTE",
        "one more than",
        "Sum to Max",
        "first of",
    }


def test_rows_on_the_boundary_kill_what_moves_it(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into build.revenue.deals values ('a', 20, true), ('a', 30, true), ('b', 5, false)")
    assert "GT to GTE: amount > 10 #1" in _survivors(con)

    con.execute("insert into build.revenue.deals values ('a', 10, true)")
    assert "GT to GTE: amount > 10 #1" not in _survivors(con)


def test_data_that_shows_everything_lets_nothing_survive(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into build.revenue.deals values"
        " ('a', 20, true), ('a', 30, true), ('a', 10, true), ('a', 11, true), ('b', 5, true),"
        " ('b', 50, false)"
    )
    # no data makes this sum null: the total without a deal is another case
    assert _survivors(con) == {"first of: COALESCE(SUM(amount), 0) #1", "one more than: 0 #1"}


def test_a_mutant_that_is_no_sql_does_not_count(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into build.revenue.deals values ('a', 20, true)")
    tree = tree_of(MODEL)
    (where,) = [each for each in mutants("deals", tree) if each.name.startswith("drop:")]
    broken = Mutant(
        "deals", "nonsense", where.place, lambda target: target.set("this", exp.column("nowhere"))
    )

    viable, left = judge([where, broken], [_case(tree, con)])
    assert viable == 1
    assert [mutant.name for mutant in left] == [where.name]


def test_a_listed_mutant_is_recognised_with_and_without_its_number() -> None:
    mutant = Mutant("deals", "one more than: 0 #2", 1, lambda target: None)

    assert is_equivalent(mutant, {("deals", "one more than: 0 #2")})
    assert is_equivalent(mutant, {("*", "one more than: 0")})
    assert not is_equivalent(mutant, {("deals", "one more than: 0 #1")})
    assert not is_equivalent(mutant, {("other", "one more than: 0")})


def test_every_equivalent_mutant_has_a_reason() -> None:
    with EQUIVALENT.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert all(row["model"] and row["mutant"] and row["reason"] for row in rows)
    assert len({(row["model"], row["mutant"]) for row in rows}) == len(rows)
