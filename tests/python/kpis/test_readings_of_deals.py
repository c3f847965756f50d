"""contracts/readings.md on deals: one test for each row, its numbers worked out in its comments."""

import pytest
from kpi_cases import EARLIER, NEW_YORK, Case, change, deal, lost, rows, won, worth


@rows(
    opportunities=[
        won("2026-03-31 23:59:59.999999", amount=10),
        won("2026-04-01 00:00:00", amount=30),
    ]
)
def test_the_moment_of_closing_decides_the_period(case: Case) -> None:
    assert case.kpi("average_deal_size", grain="month", start="2026-03").value == 10
    assert case.kpi("average_deal_size", grain="month", start="2026-04").value == 30
    assert case.kpi("average_deal_size", grain="quarter", start="2026-01").value == 10


@rows(
    NEW_YORK,
    opportunities=[
        # 23:59:59 on 28 February and 00:00 on 1 March in New York, five hours behind
        won("2026-03-01 04:59:59", "2026-02-01 04:59:59", amount=1),
        won("2026-03-01 05:00:00", "2026-02-01 05:00:00", amount=2),
        # four hours behind since 8 March: 31 March and 1 April
        won("2026-04-01 03:59:59", "2026-02-01 05:00:00", amount=4),
        won("2026-04-01 04:00:00", "2026-02-01 05:00:00", amount=8),
        # a day without a time is that day there
        won("2026-05-01", "2026-02-01", amount=16),
    ],
)
def test_closed_at_and_opened_at_are_read_in_the_reporting_time_zone(case: Case) -> None:
    for start, amount in [("2026-02", 1), ("2026-03", 6), ("2026-04", 8), ("2026-05", 16)]:
        assert case.kpi("average_deal_size", grain="month", start=start).numerator == amount, start
    # the fiscal year begins in April: its first quarter has 8 + 16, the year before it 1 + 2 + 4
    assert case.kpi("average_deal_size", grain="quarter", start="2026-04").numerator == 24
    assert case.kpi("average_deal_size", grain="year", start="2025-04").numerator == 7
    # opened on 31 January: 28 days to 28 February; opened on 1 February: 28 days to 1 March
    assert case.kpi("sales_cycle_length", grain="month", start="2026-02").value == 28
    assert case.kpi("win_rate", "created_cohort", "month", "2026-01").n == 1
    assert case.kpi("win_rate", "created_cohort", "month", "2026-02").n == 4


@rows(
    opportunities=[
        won("2026-05-20 10:00", "2026-02-01", source_id="reopened", amount=50),
        # the record keeps its first closing day
        won("2026-02-10 10:00", "2026-02-01", source_id="stale", amount=70),
    ],
    opportunity_changes=[
        change("reopened", "2026-03-10 10:00", "stage", "Offer", "Defeat"),
        change("reopened", "2026-04-02 10:00", "stage", "Defeat", "Haggling"),
        change("reopened", "2026-05-20 10:00", "stage", "Haggling", "Victory"),
        change("stale", "2026-02-10 10:00", "stage", "Offer", "Defeat"),
        change("stale", "2026-03-15 10:00", "stage", "Defeat", "Offer"),
        change("stale", "2026-05-21 10:00", "stage", "Offer", "Victory"),
    ],
)
def test_a_deal_closed_again_is_in_the_period_of_its_last_close(case: Case) -> None:
    assert case.kpi("win_rate", grain="month", start="2026-02").null_reason == "no_denominator"
    assert case.kpi("win_rate", grain="month", start="2026-03").null_reason == "no_denominator"
    assert case.kpi("win_rate", grain="month", start="2026-05").denominator == 2
    assert case.kpi("win_rate", grain="month", start="2026-05").value == 1

    # at the end of March the one was lost in March, the other open again
    march = case.as_of(EARLIER)
    assert march.kpi("win_rate", grain="month", start="2026-03").denominator == 1
    assert march.kpi("win_rate", grain="month", start="2026-03").value == 0
    assert march.kpi("win_rate").denominator == 1


@rows(
    opportunities=[
        won("2026-06-30 23:59:59", amount=1),
        won("2026-07-01 00:00:00", amount=2),
        deal("Checked", opened="2026-06-30 23:59:59"),
        deal("Checked", opened="2026-07-01 00:00:00"),
    ]
)
def test_the_as_of_day_is_counted_in_full(case: Case) -> None:
    # won by the end of the day; the one of the next day is still open; the deal opened the next day does not
    # exist
    assert case.kpi("average_deal_size").numerator == 1
    assert case.kpi("win_rate", "including_open").denominator == 3
    assert [closed for (closed,) in case.deals("is_closed")] == [True, False, False]


@rows(
    opportunities=[
        won("2026-05-15 12:00", "2026-03-01", source_id="a", amount=300, owner_source_id="later"),
        won("2026-05-15 12:00", "2026-03-01", source_id="b", amount=70),
        deal("Checked", opened="2026-04-01 00:00", source_id="c"),
    ],
    opportunity_changes=[
        change("a", "2026-03-20 12:00", "stage", "Checked", "Offer"),
        change("a", "2026-04-10 12:00", "stage", "Offer", "Haggling"),
        change("a", "2026-05-15 12:00", "stage", "Haggling", "Victory"),
        change("a", "2026-03-31 23:59:59", "amount", "100", "150"),
        change("a", "2026-04-01 00:00:00", "amount", "150", "300"),
        change("a", "2026-05-01 12:00", "expected_close_on", "2026-04-30", "2026-05-31"),
    ],
)
def test_a_deal_closed_after_the_as_of_day_is_open_in_the_stage_its_history_says(case: Case) -> None:
    march = case.as_of(EARLIER)
    columns = "stage, is_closed, is_won, amount, closed_at, strftime(expected_close_on, '%Y-%m-%d')"
    # b has no history: open, in an unknown stage; c was opened later: not there
    assert march.deals(columns) == [
        ("Offer", False, False, 150, None, "2026-04-30"),
        (None, False, False, 70, None, None),
    ]
    # a was open and qualified
    assert march.kpi("pipeline_velocity").n == 1
    assert march.kpi("win_rate", "including_open").denominator == 2
    assert march.kpi("win_rate").null_reason == "no_denominator"
    assert case.kpi("average_deal_size").numerator == 370


@rows(
    opportunities=[
        # Offer is a stage on the way, but for renewals it is won
        deal("Offer", "2026-03-10", kind="renewal"),
        deal("Offer", "2026-03-10", kind="new_business"),
        deal("Offer", "2026-03-10"),
        # rules for any kind hold for renewals where no rule for them does; spelling does not matter
        deal("defeat ", "2026-03-11", kind="renewal"),
        # not qualified yet
        deal("Fresh", kind="renewal"),
        deal("Haggling", kind="renewal"),
    ]
)
def test_a_stage_rule_of_the_kind_goes_before_a_rule_for_any_kind(case: Case) -> None:
    assert case.kpi("win_rate", grain="month", start="2026-03").numerator == 1
    assert case.kpi("win_rate", grain="month", start="2026-03").denominator == 2
    # 2 decided, 4 open
    assert case.kpi("win_rate", "including_open").denominator == 6
    # open at qualified or later: two offers and one in negotiation
    assert case.kpi("pipeline_velocity").n == 3


@rows(
    opportunities=[
        deal("Limbo", "2026-03-10", "2026-03-01", amount=10),
        won("2026-03-10", amount=20),
    ]
)
def test_a_deal_in_an_unmapped_stage_is_open_and_reported(case: Case) -> None:
    assert case.kpi("win_rate", grain="month", start="2026-03").denominator == 1
    assert case.kpi("win_rate", "including_open").denominator == 2
    assert case.kpi("pipeline_velocity").n == 0
    found = case.warehouse.rows(
        "select severity, failing_rows from operations.data_quality where test = 'unmapped_stage:crm:Limbo'"
    )
    assert found == [("warning", 1)]
    assert "warning" in case.warehouse.said


@rows(
    opportunities=[
        won("2026-05-01", "2026-03-05"),
        lost("2026-03-07", "2026-03-06"),
        deal("Fresh", opened="2026-03-31 23:59:59"),
        # without an opening day the day it was created; without either no cohort
        deal("Fresh", created_at="2026-03-20 10:00"),
        won("2026-03-15"),
    ]
)
def test_the_created_cohort_is_of_the_period_of_opening(case: Case) -> None:
    cohort = case.kpi("win_rate", "created_cohort", "month", "2026-03")
    assert (cohort.numerator, cohort.denominator, cohort.value) == (1, 4, 0.25)
    assert case.kpi("win_rate", "created_cohort").denominator == 4
    # by the end of March nobody had won
    assert case.as_of(EARLIER).kpi("win_rate", "created_cohort", "month", "2026-03").numerator == 0


@rows(
    opportunities=[
        won("2026-03-10", "2026-03-09"),
        won("2026-03-10", "2026-03-08"),
        won("2026-03-10", "2026-03-07"),
        won("2026-03-10", "2026-03-06"),
        won("2026-03-10", "2026-02-28"),
    ]
)
def test_percentiles_are_interpolated(case: Case) -> None:
    # 1, 2, 3, 4 and 10 days: the 90th percentile lies 0.6 of the way from 4 to 10
    expected = {"default": 3, "mean": 4, "p25": 2, "p75": 4, "p90": 7.6}
    for variant, days in expected.items():
        assert case.kpi("sales_cycle_length", variant).value == pytest.approx(days), variant


@rows(
    opportunities=[
        # day 10: 1 of 6 won, 5/6 left; day 20: lost, 4/6 left; day 70, the as-of day: still open, nobody
        # knows more; day 80: 1 of the 3 left won, 1/6 + 4/6 × 1/3 = 7/18; day 91 is too late; the last is
        # followed for 90 days, which is enough
        won("2026-04-11", "2026-04-01"),
        lost("2026-04-21", "2026-04-01"),
        deal("Offer", opened="2026-04-21"),
        won("2026-06-24", "2026-04-05"),
        won("2026-06-01", "2026-03-02"),
        deal("Offer", opened="2026-04-01"),
    ]
)
def test_the_matured_cohort_follows_open_deals_as_far_as_they_are_known(case: Case) -> None:
    assert case.kpi("win_rate", "matured_cohort").value == pytest.approx(7 / 18)
    assert case.kpi("win_rate", "matured_cohort", "month", "2026-05").null_reason == "no_denominator"
    assert case.as_of(EARLIER).kpi("win_rate", "matured_cohort").null_reason == "insufficient_history"


@rows(
    opportunities=[
        won("2025-05-10", "2025-03-31", amount=900),  # 40 days
        won("2026-02-10", "2026-01-21", amount=300),  # 20 days
        lost("2026-02-11", "2026-01-01", amount=9000),
        deal("Checked", opened="2026-03-01"),
        deal("Offer", opened="2026-03-01"),
        deal("Haggling", opened="2026-03-01"),
        deal("Fresh", opened="2026-03-01"),
    ]
)
def test_pipeline_velocity_looks_at_the_twelve_months_that_end_with_the_period(case: Case) -> None:
    # July 2025 to June 2026: 3 open × 300 × 1/2 ÷ 20 days
    for grain, start in [("month", "2026-06"), ("quarter", "2026-04"), ("trailing_12_months", "2025-07")]:
        assert case.kpi("pipeline_velocity", grain=grain, start=start).value == pytest.approx(22.5), grain
    # × 365/12
    assert case.kpi("pipeline_velocity", "per_month", "month", "2026-06").value == pytest.approx(684.375)
    # April 2025 to March 2026, and all time: 3 open × 600 × 2/3 ÷ 30 days
    assert case.kpi("pipeline_velocity", grain="month", start="2026-03").value == pytest.approx(40)
    assert case.kpi("pipeline_velocity").value == pytest.approx(40)
    # nothing was open and qualified at the end of February
    assert case.kpi("pipeline_velocity", grain="month", start="2026-02").value == 0
    # nothing was ever won by the end of April 2025
    assert case.kpi("pipeline_velocity", grain="month", start="2025-04").null_reason == "no_denominator"


@rows(
    opportunities=[
        won("2026-03-10", kind="new_business", amount=100),
        won("2026-03-10", kind="expansion", amount=300),
        won("2026-03-10", amount=50),
        won("2026-03-10", kind="renewal", amount=1000),
        won("2026-03-10"),
    ]
)
def test_average_deal_size_is_of_new_business_and_expansion(case: Case) -> None:
    # 100, 300 and 50, which has no kind
    assert case.kpi("average_deal_size").value == 150
    assert case.kpi("average_deal_size", "median").value == 100
    assert case.kpi("average_deal_size").n == 3


@rows(
    opportunities=[
        won("2026-02-28", amount=100, currency_code="GBP"),  # 1.2
        won("2026-03-01", amount=100, currency_code="GBP"),  # 1.3
        won("2026-05-01", amount=100, currency_code="gbp", source_id="open_in_march"),  # 1.3
        # open: the as-of day's 1.5, not the 9 of the day after
        deal("Offer", opened="2026-01-01", amount=100, currency_code="GBP", source_id="open"),
        # plan rates are for recurring revenue
        won("2026-03-01", amount=100, currency_code="EUR"),  # 1.4
        won("2026-03-01", amount=100),
    ]
)
def test_deals_in_foreign_currency_have_the_rate_of_their_closing_day(case: Case) -> None:
    # 120 + 130 + 130 + 140 + 100
    assert case.kpi("average_deal_size").numerator == 620
    assert dict(case.deals("split_part(source_id, '.', 2), amount"))["open"] == 150
    # at the end of March the deal that closes in May is open, at the rate of that day
    march = dict(case.as_of(EARLIER).deals("split_part(source_id, '.', 2), amount"))
    assert (march["open"], march["open_in_march"]) == (130, 130)


@rows(
    users=[
        {"source_id": "ada", "name": "Ada Slices", "team": "Before"},
        {"source_id": "ben", "name": "Ben Slices", "team": "After"},
        {"source_id": "cid", "team": "Nameless"},
    ],
    accounts=[{"region": "Sliceland"}],
    opportunities=[
        # handed over before it closed, and after
        won("2026-03-10 12:00", source_id="before", owner_source_id="ben", product="Slicer"),
        won("2026-03-10 12:00", source_id="after", owner_source_id="ben", product="Slicer"),
        lost("2026-03-10 12:00", owner_source_id="cid"),
        won("2024-02-10", account_source_id="nobody"),
    ],
    opportunity_changes=[
        change("before", "2026-03-09 12:00", "owner_source_id", "ada", "ben"),
        change("after", "2026-03-20 12:00", "owner_source_id", "ada", "ben"),
    ],
)
def test_slices_are_of_the_account_the_deal_and_the_owner_at_close(case: Case) -> None:
    def n(dimension: str, value: str, month: str = "2026-03") -> int:
        return case.kpi("win_rate", "default", "month", month, dimension, value).n

    assert n("region", "Sliceland") == 3
    assert n("product", "Slicer") == 2
    # one deal was handed over before it closed, the other after: each is of who closed it
    assert (n("owner", "Ada Slices"), n("owner", "Ben Slices")) == (1, 1)
    assert (n("team", "Before"), n("team", "After"), n("team", "Nameless")) == (1, 1, 1)
    # what a source is silent about is unknown, never dropped
    for dimension in ("segment", "region", "owner", "team", "product", "lead_source", "direction", "kind"):
        assert n(dimension, "unknown", "2024-02") == 1, dimension


@rows(
    opportunities=[
        deal("Offer", opened="2026-01-01", source_id="a", updated_at="2026-03-02 10:00"),
        won("2026-03-01", source_id="a", updated_at="2026-03-03 10:00", amount=10),
        lost("2026-03-01", source_id="a", updated_at="2026-03-01 10:00"),
        # updated in the same moment: the later in the file
        lost("2026-03-01", source_id="b", updated_at="2026-03-01 10:00"),
        won("2026-03-01", source_id="b", updated_at="2026-03-01 10:00", amount=20),
    ]
)
def test_of_several_rows_with_one_source_id_the_latest_update_counts(case: Case) -> None:
    assert case.kpi("win_rate").denominator == 2
    assert case.kpi("average_deal_size").numerator == 30


@rows(opportunities=[won("2026-03-10", is_deleted=True), won("2026-03-10", amount=5)])
def test_what_the_source_deleted_leaves_every_count(case: Case) -> None:
    assert case.kpi("win_rate").denominator == 1
    assert case.as_of(EARLIER).kpi("win_rate").denominator == 1


@rows(
    accounts=[
        {"source_id": "customer"},
        {"source_id": "unknown_to_the_desk", "website_domain": "quiet-customer.example"},
        {"source_id": "prospect", "website_domain": "prospect-of-silos.example"},
        {"source_id": "d", "name": "Gone From Sales", "website_domain": "gone.example", "is_deleted": True},
    ],
    subscription_periods=[
        worth(100, "2026-01-01", account_source_id="customer"),
        worth(100, "2026-01-01", account_source_id="unknown_to_the_desk", subscription_id="other"),
    ],
    **{
        "desk.accounts": [
            {"source_id": "customer"},
            {"source_id": "stranger", "name": "Nobody Sells To", "website_domain": "stranger.example"},
            {"source_id": "d", "name": "Gone From Sales", "website_domain": "gone.example"},
        ],
        "desk.tickets": [{"account_source_id": "customer", "opened_at": "2026-01-05"}],
    },
)
def test_the_silo_index_asks_each_silo_for_whom_it_should_know(case: Case) -> None:
    # crm has deals and should know everyone, the desk only customers: of five, the customer both know and the
    # prospect are known wherever they should be
    found = case.kpi("silo_index")
    assert (found.numerator, found.denominator) == (2, 5)
    assert found.value == pytest.approx(0.4)
