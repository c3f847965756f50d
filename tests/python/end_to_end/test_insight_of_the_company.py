"""What the published tables of insight say of the pretend company, whose troubles are known."""

from collections.abc import Iterator

import duckdb
import pytest
from company import Company

from sandbox import rules

pytestmark = pytest.mark.slow


@pytest.fixture
def published(company: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(company.published), read_only=True) as con:
        yield con


def test_every_won_deal_is_credited_once_by_every_model_and_to_the_last_digit(
    published: duckdb.DuckDBPyConnection,
) -> None:
    wrong = published.execute(
        """
        select deals.opportunity_id, models.model, sum(credits.credit), sum(credits.credited_amount)
        from revenue.opportunities as deals
        cross join (select distinct model from metrics.attribution) as models
        left join metrics.attribution as credits
            on deals.opportunity_id = credits.opportunity_id and models.model = credits.model
        where deals.is_won
        group by deals.opportunity_id, deals.amount, models.model
        having sum(credits.credit) is null or abs(sum(credits.credit) - 1) > 1e-9
            or sum(credits.credited_amount) is distinct from deals.amount
        """
    ).fetchall()
    assert wrong == []


def test_marketing_return_adds_up_to_what_was_won_and_spent(published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute(
        """
        select channels.variant, abs(sum(channels.numerator) - any_value(total.numerator)),
            abs(sum(channels.denominator) - any_value(total.denominator))
        from metrics.marketing_return as channels
        inner join metrics.marketing_return as total
            on channels.variant = total.variant and channels.grain = total.grain and total.dimension = 'all'
        where channels.dimension = 'channel' and channels.grain = 'all_time'
        group by channels.variant
        """
    ).fetchall()
    assert len(rows) == 10
    assert all(amount < 0.01 and spend < 0.01 for _, amount, spend in rows), rows


def test_the_tool_that_nobody_opens_is_the_only_one_unused_and_its_twin_is_named(
    published: duckdb.DuckDBPyConnection,
) -> None:
    unused = published.execute(
        "select tool, department, users, overlaps_with from metrics.tool_adoption where status = 'unused'"
    ).fetchall()
    assert unused == [(rules.UNUSED_TOOL, "sales", 0, ["Cadence (sales)"])]


def test_the_hand_off_that_stalls_is_found_in_its_region_and_in_no_quarter_before(
    published: duckdb.DuckDBPyConnection,
) -> None:
    stalled = published.execute(
        "select strftime(period_start, '%Y-%m-%d'), from_department, to_department,"
        " worst_dimension, worst_value from metrics.handoffs where is_stalled order by 1"
    ).fetchall()
    assert stalled == [("2026-01-01", "marketing", "sales", "region", rules.STALLED_REGION)]


def test_every_case_is_at_one_place_and_its_events_are_in_order(
    published: duckdb.DuckDBPyConnection,
) -> None:
    assert (
        published.execute(
            """
            select case_id from (
                select
                    case_id, occurred_at,
                    lag(occurred_at) over (partition by case_id order by sequence) as before
                from revenue.process_events
            ) where before > occurred_at
            """
        ).fetchall()
        == []
    )
    ((cases, moves),) = published.execute(
        "select (select count(distinct case_id) from revenue.process_events),"
        " (select sum(moves) from metrics.process_moves where from_state = '(start)')"
    ).fetchall()
    assert cases == moves > 0


def test_the_review_says_what_stands_out_and_what_to_decide(company: Company) -> None:
    outcome = company.revops("review", "--quarter", "2026-01-01")
    assert outcome.returncode == 0, outcome.stderr
    for said in (
        "# Review of the quarter from 01 January 2026",
        "| Win rate",
        "marketing to sales",
        f"region {rules.STALLED_REGION} waits",
        f"{rules.UNUSED_TOOL} in sales: end it, or get it used?",
    ):
        assert said in outcome.stdout, outcome.stdout
    beyond = company.revops("review", "--quarter", "2031-01-01")
    assert beyond.returncode == 2 and "No published quarter contains 2031-01-01" in beyond.stderr
