"""The origins of a column, followed through the SQL by hand."""

from orchestration.catalog.lineage import Column, known_tables, lineage

KNOWN = known_tables(
    {
        "revenue.deals": {"id": "text", "amount": "double", "is_won": "boolean", "owner": "text"},
        "revenue.users": {"id": "text", "name": "text"},
    }
)


def origins(sql: str) -> dict[str, set[str]]:
    return {
        column: {f"{each.table}.{each.name}" for each in found}
        for column, found in lineage("test", sql, KNOWN).items()
    }


def test_values_are_followed_through_ctes_joins_and_expressions() -> None:
    found = origins(
        """
        with won as (
            select owner, sum(case when is_won then amount end) as total from revenue.deals group by owner
        )
        select users.name, won.total / 2 as half, 1 as one
        from won left join revenue.users as users on won.owner = users.id
        """
    )
    assert found == {
        "name": {"revenue.users.name"},
        "half": {"revenue.deals.amount", "revenue.deals.is_won"},
        "one": set(),
    }


def test_each_part_of_a_union_is_an_origin_by_position() -> None:
    found = origins("select id, owner as who from revenue.deals union all select id, name from revenue.users")
    assert found == {
        "id": {"revenue.deals.id", "revenue.users.id"},
        "who": {"revenue.deals.owner", "revenue.users.name"},
    }


def test_a_recursive_query_ends() -> None:
    found = origins(
        """
        with recursive chain as (
            select id, amount from revenue.deals
            union all
            select chain.id, chain.amount + 1 from chain where chain.amount < 9
        )
        select amount from chain
        """
    )
    assert found["amount"] == {"revenue.deals.amount"}


def test_a_column_of_an_undescribed_table_is_still_named() -> None:
    assert lineage("test", "select a from raw.things", KNOWN) == {"a": frozenset({Column("raw.things", "a")})}
