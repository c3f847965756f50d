"""contracts/readings.md on recurring revenue: a test for each row, numbers worked out in the comments."""

import pytest
from kpi_cases import EARLIER, NEW_YORK, Case, rows, worth


@rows(
    subscription_periods=[
        worth(1000, "2025-12-01", currency_code="EUR", subscription_id="e"),
        worth(100, "2026-02-01", currency_code="GBP", subscription_id="g"),
        worth(50, "2026-02-01", "2026-03-01", currency_code="GBP", subscription_id="gone"),
    ]
)
def test_recurring_revenue_has_the_plan_rate_of_the_year_or_the_spot_rate_of_the_day(case: Case) -> None:
    # EUR: plan 1.1 in 2025, 1.2 in 2026. GBP has spot rates only: 1.2, from 1 March 1.3, on 30 June 1.5. What
    # is there when the rate changes is revalued first, also what ends on that day: 50 × 0.1, and then 50 ×
    # 1.3 leave.
    assert case.movements() == [
        ("2025-12-01", "new", None, 1100),
        ("2026-01-01", "currency", "exchange_rate", 100),
        ("2026-02-01", "expansion", None, 60),
        ("2026-02-01", "expansion", None, 120),
        ("2026-03-01", "contraction", None, -65),
        ("2026-03-01", "currency", "exchange_rate", 5),
        ("2026-03-01", "currency", "exchange_rate", 10),
        ("2026-06-30", "currency", "exchange_rate", 20),
    ]
    at_plan = {"2025-12": 1100, "2026-01": 1200, "2026-02": 1380, "2026-05": 1330, "2026-06": 1350}
    for month, amount in at_plan.items():
        assert case.kpi("annual_recurring_revenue", grain="month", start=month).value == amount, month
    # at spot rates EUR is 1.0, from 15 February 1.4
    for month, amount in [("2025-12", 1000), ("2026-02", 1400 + 180), ("2026-06", 1400 + 150)]:
        spot = case.kpi("annual_recurring_revenue", "spot_currency", "month", month)
        assert spot.value == amount, month
    # a change of rate is neither upsell nor churn
    assert case.kpi("upsells", grain="month", start="2026-01").numerator == 0
    assert case.kpi("upsells", grain="month", start="2026-02").value == pytest.approx(180 / 1200)
    assert case.kpi("customer_churn", "revenue_net", "month", "2026-06").value == pytest.approx(-20 / 1330)


@rows(
    NEW_YORK,
    subscription_periods=[worth(1000, "2026-03-01", currency_code="USD"), worth(70, "2026-03-01")],
)
def test_the_plan_rate_holds_from_the_start_of_the_fiscal_year(case: Case) -> None:
    # reporting in GBP, fiscal year from April: USD at spot 0.5 until March, at the plan's 0.8 from 1 April,
    # whatever the spot rate of June; what names no currency is in the reporting one
    for month, amount in [("2026-03", 570), ("2026-04", 870), ("2026-06", 870)]:
        found = case.kpi("annual_recurring_revenue", grain="month", start=month)
        assert (found.value, found.currency_code) == (amount, "GBP"), month
    assert case.kpi("annual_recurring_revenue", "spot_currency").value == 820
    assert [(day, movement, amount) for day, movement, _, amount in case.movements()] == [
        ("2026-03-01", "new", 70),
        ("2026-03-01", "new", 500),
        ("2026-04-01", "currency", 300),
    ]


@rows(
    subscription_periods=[
        worth(100, "2026-01-31", "2026-02-28", change_reason="signup"),
        worth(120, "2026-02-28", "2026-03-15", change_reason="seats"),
        # the reason of the cancellation stands on the row that follows
        worth(120, "2026-03-15", status="canceled", change_reason="cancellation_involuntary"),
        worth(80, "2026-04-15", "2026-05-15", change_reason="other"),
    ]
)
def test_the_reason_of_a_movement_stands_on_the_row_that_starts_on_its_day(case: Case) -> None:
    assert case.movements() == [
        ("2026-01-31", "new", "signup", 100),
        ("2026-02-28", "expansion", "seats", 20),
        ("2026-03-15", "churn", "cancellation_involuntary", -120),
        ("2026-04-15", "reactivation", "other", 80),
        # nothing follows: empty
        ("2026-05-15", "churn", None, -80),
    ]
    # a row counts on its first day, and no longer on the day it ends
    for month, amount in [
        ("2026-01", 100),
        ("2026-02", 120),
        ("2026-03", 0),
        ("2026-04", 80),
        ("2026-05", 0),
    ]:
        assert case.kpi("annual_recurring_revenue", grain="month", start=month).value == amount, month
    assert case.kpi("customer_churn", "involuntary", "month", "2026-03").value == 1
    assert case.kpi("customer_churn", "voluntary", "month", "2026-03").value == 0
    assert (case.kpi("customer_churn", grain="month", start="2026-05").value) == 1
    assert case.kpi("customer_churn", "involuntary", "month", "2026-05").value == 0
    # nobody to lose in April
    assert case.kpi("customer_churn", grain="month", start="2026-04").null_reason == "no_denominator"
    assert case.kpi("upsells", "seats_and_tier", "month", "2026-02").value == pytest.approx(0.2)


@rows(
    subscription_periods=[
        worth(100, "2026-01-10", "2026-02-10"),
        worth(100, "2026-02-10", "2026-04-10", status="paused", change_reason="pause"),
        worth(100, "2026-04-10", change_reason="resume"),
    ]
)
def test_a_pause_with_an_end_is_a_contraction_and_its_customer_stays(case: Case) -> None:
    assert case.movements() == [
        ("2026-01-10", "new", None, 100),
        ("2026-02-10", "contraction", "pause", -100),
        ("2026-04-10", "expansion", "resume", 100),
    ]
    for month in ("2026-02", "2026-03", "2026-04"):
        assert case.kpi("customer_churn", grain="month", start=month).value == 0, month
    assert case.kpi("annual_recurring_revenue", grain="month", start="2026-03").value == 0
    # what it was worth is gone nevertheless
    assert case.kpi("customer_churn", "revenue_gross", "month", "2026-02").value == 1
    # on the as-of day the pause still has its end: a customer without revenue
    march = case.as_of(EARLIER)
    assert march.kpi("annual_recurring_revenue").value == 0
    assert march.kpi("customer_churn", grain="month", start="2026-03").denominator == 1
    is_customer = "select is_customer from revenue.accounts where segment = ?"
    assert march.warehouse.rows(is_customer, case.name) == [(True,)]


@rows(
    subscription_periods=[
        worth(100, "2026-01-10", "2026-02-10"),
        worth(100, "2026-02-10", status="paused", change_reason="pause"),
    ]
)
def test_a_pause_without_an_end_is_churn(case: Case) -> None:
    assert case.movements() == [("2026-01-10", "new", None, 100), ("2026-02-10", "churn", "pause", -100)]
    assert case.kpi("customer_churn", grain="month", start="2026-02").value == 1


@rows(
    subscription_periods=[
        worth(100, "2026-01-10", "2026-02-10"),
        worth(100, "2026-02-10", "2026-04-10", status="paused", change_reason="pause"),
    ]
)
def test_a_pause_that_ends_without_a_return_is_churn_when_it_ends(case: Case) -> None:
    assert case.movements() == [
        ("2026-01-10", "new", None, 100),
        ("2026-02-10", "contraction", "pause", -100),
        ("2026-04-10", "churn", None, 0),
    ]
    churned = [case.kpi("customer_churn", grain="month", start=f"2026-0{month}").value for month in (2, 3, 4)]
    assert churned == [0, 0, 1]


@rows(
    subscription_periods=[
        worth(100, "2026-01-10", subscription_id="stays"),
        worth(50, "2026-01-10", "2026-02-10", subscription_id="pauses"),
        worth(50, "2026-02-10", status="paused", subscription_id="pauses", change_reason="pause"),
    ]
)
def test_a_pause_beside_another_subscription_is_a_contraction(case: Case) -> None:
    assert case.movements()[2:] == [("2026-02-10", "contraction", "pause", -50)]
    assert case.kpi("customer_churn", grain="month", start="2026-02").value == 0


@rows(
    subscription_periods=[
        worth(100, "2026-01-10", "2026-03-10"),
        worth(60, "2026-03-12"),
        # won inside the month: none of those at its start
        worth(40, "2026-03-05", "2026-03-20", account_source_id="passer"),
    ],
    accounts=[{}, {"source_id": "passer"}],
)
def test_a_customer_that_left_and_came_back_inside_the_period_is_not_lost(case: Case) -> None:
    assert [movement for _, movement, _, _ in case.movements()] == [
        "new",
        "new",
        "churn",
        "reactivation",
        "churn",
    ]
    lost = case.kpi("customer_churn", grain="month", start="2026-03")
    assert (lost.numerator, lost.denominator) == (0, 1)
    # its endpoints: 100 and 60
    assert case.kpi("customer_churn", "revenue_gross", "month", "2026-03").value == pytest.approx(0.4)
    assert case.kpi("customer_churn", "revenue_net", "month", "2026-03").value == pytest.approx(0.4)
    assert case.kpi("gross_revenue_retention", "default", "month", "2026-03").value == pytest.approx(0.6)


@rows(
    subscription_periods=[
        worth(100, "2026-01-10", "2026-03-10", subscription_id="old"),
        worth(80, "2026-03-10", subscription_id="new"),
        worth(30, "2026-02-01", "2026-04-01", subscription_id="a"),
        worth(30, "2026-04-01", subscription_id="b", plan="other"),
        # gone for one day
        worth(10, "2026-01-10", "2026-02-10", account_source_id="gap"),
        worth(10, "2026-02-11", account_source_id="gap"),
    ],
    accounts=[{}, {"source_id": "gap"}],
)
def test_opposite_changes_of_one_day_net_out_over_the_customer(case: Case) -> None:
    assert case.movements() == [
        ("2026-01-10", "new", None, 10),
        ("2026-01-10", "new", None, 100),
        ("2026-02-01", "expansion", None, 30),
        ("2026-02-10", "churn", None, -10),
        ("2026-02-11", "reactivation", None, 10),
        # −100 and +80; −30 and +30 are nothing
        ("2026-03-10", "contraction", None, -20),
    ]
    product = case.warehouse.rows(
        "select subscription_id from metrics.arr_movements where segment = ? and movement = 'contraction'",
        case.name,
    )
    assert product == [(f"{case.name}.old",)]


@rows(
    subscription_periods=[
        # (100 × 0.8 − 5) × 12
        worth(100, "2026-01-01", interval="month", discount_percent=0.2, discount_amount=5),
        # free for two months: no revenue, no customer, and then new
        worth(
            1000, "2026-01-01", account_source_id="free", discount_percent=1, discount_ends_on="2026-03-01"
        ),
        # half off inside a row; half off as long as a row; a discount that ends after the as-of day
        worth(
            200, "2026-01-01", account_source_id="inside", discount_percent=0.5, discount_ends_on="2026-04-01"
        ),
        worth(200, "2026-01-01", "2026-04-01", account_source_id="with", discount_percent=0.5),
        worth(200, "2026-04-01", account_source_id="with", change_reason=None),
        worth(
            200, "2026-01-01", account_source_id="later", discount_amount=150, discount_ends_on="2026-07-01"
        ),
    ],
    accounts=[{}, *({"source_id": name} for name in ("free", "inside", "with", "later"))],
)
def test_discounts_take_percent_before_amount_and_their_end_is_an_expansion(case: Case) -> None:
    assert case.movements() == [
        ("2026-01-01", "new", None, 50),
        ("2026-01-01", "new", None, 100),
        ("2026-01-01", "new", None, 100),
        ("2026-01-01", "new", None, 900),
        ("2026-03-01", "new", "discount", 1000),
        ("2026-04-01", "expansion", "discount", 100),
        ("2026-04-01", "expansion", "discount", 100),
    ]
    assert case.kpi("annual_recurring_revenue", grain="month", start="2026-02").value == 1150
    # free for now is no customer: four at the start of March
    assert case.kpi("customer_churn", grain="month", start="2026-03").denominator == 4


@rows(
    subscription_periods=[
        worth(100, "2026-01-01"),
        worth(-40, "2026-01-01", subscription_id="negative"),
        worth(0, "2026-01-01", subscription_id="zero"),
        worth(70, "2026-01-05", "2026-01-05", subscription_id="empty"),
        worth(70, "2026-01-05", "2026-01-04", subscription_id="backward"),
        worth(70, "2026-01-05", subscription_id="deleted", is_deleted=True),
        worth(0, "2026-01-01", account_source_id="pays_nothing"),
    ],
    accounts=[{}, {"source_id": "pays_nothing"}],
)
def test_negative_amounts_and_backward_periods_are_excluded_and_reported(case: Case) -> None:
    assert case.movements() == [("2026-01-01", "new", None, 100)]
    # who pays nothing is no customer
    assert case.kpi("customer_churn", grain="month", start="2026-02").denominator == 1
    reported = dict(
        case.warehouse.rows(
            "select split_part(test, ':', 1), failing_rows from operations.data_quality"
            " where entity = 'subscription_periods'"
        )
    )
    assert reported["negative_amount"] == 1
    assert reported["period_ends_before_it_starts"] == 2


@rows(
    subscription_periods=[
        worth(1, "2026-01-01", interval="day"),
        worth(10, "2026-01-01", interval="week", subscription_id="b"),
        worth(100, "2026-01-01", interval="month", interval_count=6, subscription_id="c"),
        worth(1000, "2026-01-01", interval="quarter", subscription_id="d"),
        worth(20000, "2026-01-01", interval="year", interval_count=2, subscription_id="e"),
        # no recurring revenue
        *(
            worth(9, "2026-01-01", subscription_id=f"{kind}{status}", kind=kind, status=status)
            for kind, status in [
                ("trial", "active"),
                ("metered", "active"),
                ("one_off", "active"),
                ("services", "active"),
                ("recurring", "trialing"),
                ("recurring", "unpaid"),
                ("recurring", "canceled"),
                ("recurring", "paused"),
            ]
        ),
        # late payment is
        worth(5, "2026-01-01", subscription_id="late", status="past_due"),
    ]
)
def test_every_interval_is_annualised_by_constants_and_only_recurring_items_count(case: Case) -> None:
    # 1 × 365 + 10 × 52 + 100 × 12/6 + 1000 × 4 + 20000/2 + 5
    assert case.kpi("annual_recurring_revenue").value == 365 + 520 + 200 + 4000 + 10000 + 5
    assert case.kpi("monthly_recurring_revenue").value == pytest.approx(15090 / 12)


@rows(
    subscription_periods=[
        worth(1000, "2025-01-01", "2026-03-05", subscription_id="a", product="Core Kit"),
        worth(
            1100,
            "2026-03-05",
            "2026-03-31",
            subscription_id="a",
            product="Core Kit",
            change_reason="price_uplift",
        ),
        worth(1050, "2026-03-31", subscription_id="a", product="Core Kit", change_reason="other"),
        worth(200, "2026-03-10", subscription_id="b", product="Extra Kit", change_reason="cross_sell"),
        worth(400, "2026-03-15", account_source_id="fresh"),
        worth(500, "2025-01-01", "2026-03-20", account_source_id="leaves"),
        worth(300, "2025-01-01", "2026-02-01", account_source_id="returns"),
        worth(300, "2026-03-03", account_source_id="returns"),
        worth(500, "2025-01-01", account_source_id="grows"),
        worth(
            100,
            "2026-03-01",
            account_source_id="grows",
            subscription_id="c",
            change_reason="contractual_escalator",
        ),
    ],
    accounts=[{}, *({"source_id": name} for name in ("fresh", "leaves", "returns", "grows"))],
)
def test_upsells_are_every_expansion_over_the_revenue_at_the_start(case: Case) -> None:
    # at the start of March 1000 + 500 + 500; it expanded by 100, 200 and 100; what shrank again on the 31st,
    # what is new and what returned is no part of it
    found = case.kpi("upsells", grain="month", start="2026-03")
    assert (found.numerator, found.denominator, found.value) == (400, 2000, 0.2)
    expected = {"price_uplift": 100, "cross_sell": 200, "contractual_escalator": 100, "seats_and_tier": 0}
    for variant, amount in expected.items():
        assert case.kpi("upsells", variant, "month", "2026-03").numerator == amount, variant
    # two of the three customers of the start
    assert case.kpi("upsells", "customer_count", "month", "2026-03").value == pytest.approx(2 / 3)
    # of the product: nothing of it was there at the start
    extra = case.kpi("upsells", "cross_sell", "month", "2026-03", "product", "Extra Kit")
    assert (extra.numerator, extra.null_reason) == (200, "no_denominator")
    assert case.kpi("upsells", "price_uplift", "month", "2026-03", "product", "Core Kit").value == 0.1
    assert (
        case.kpi("annual_recurring_revenue", "default", "month", "2026-03", "product", "Core Kit").value
        == 1050
    )


@rows(
    subscription_periods=[
        worth(600, "2024-12-31", "2026-01-15", account_source_id="a"),
        worth(900, "2026-01-15", account_source_id="a"),
        worth(300, "2025-01-01", "2026-06-30", account_source_id="b"),
        worth(100, "2025-06-30", account_source_id="c"),
        worth(5000, "2025-07-01", account_source_id="won_inside"),
    ],
    accounts=[{"source_id": name} for name in ("a", "b", "c", "won_inside")],
)
def test_retention_compares_the_customers_of_twelve_months_ago_with_themselves(case: Case) -> None:
    # 600 + 300 + 100 on 30 June 2025; 900 + 0 + 100 a year later; what was won on 1 July is nobody's
    net = case.kpi("net_revenue_retention", grain="trailing_12_months", start="2025-07")
    assert (net.numerator, net.denominator, net.value, net.n) == (1000, 1000, 1, 3)
    assert net.period_end.isoformat() == "2026-07-01"
    # 600 + 0 + 100
    gross = case.kpi("gross_revenue_retention", grain="trailing_12_months", start="2025-07")
    assert (gross.numerator, gross.value) == (700, 0.7)
    churn = case.kpi("customer_churn", grain="trailing_12_months", start="2025-07")
    assert (churn.numerator, churn.denominator) == (1, 3)
    assert case.kpi(
        "customer_churn", "revenue_gross", "trailing_12_months", "2025-07"
    ).value == pytest.approx(0.3)
    assert case.kpi("customer_churn", "revenue_net", "trailing_12_months", "2025-07").value == pytest.approx(
        0
    )
    # a day earlier b was still there
    assert case.kpi("customer_churn", grain="month", start="2026-05").value == 0


@rows(
    NEW_YORK,
    subscription_periods=[
        worth(2400, "2026-01-01", account_source_id="a"),
        worth(1200, "2026-01-01", "2026-05-10", account_source_id="b"),
        worth(600, "2026-01-01", account_source_id="c"),
        worth(600, "2026-05-20", account_source_id="d"),
        worth(600, "2026-01-01", account_source_id="e"),
    ],
    accounts=[{"source_id": name} for name in "abcde"],
)
def test_simple_lifetime_value_is_margin_per_customer_over_churn(case: Case) -> None:
    # May: 4200 a year of 4 customers are 87.5 a month each, at a margin of 0.5 (metric_policy) 43.75; 1 of 4
    # left
    assert case.kpi("customer_lifetime_value", "simple", "month", "2026-05").value == pytest.approx(175)
    # the quarter from April: 262.5 × 0.5 ÷ 0.25
    assert case.kpi("customer_lifetime_value", "simple", "quarter", "2026-04").value == pytest.approx(525)
    # nobody left in June: not infinite
    assert case.kpi("customer_lifetime_value", "simple", "month", "2026-06").null_reason == "no_denominator"
    assert case.kpi("customer_lifetime_value", "simple").null_reason == "no_denominator"
    assert case.kpi("customer_lifetime_value").null_reason == "insufficient_history"
