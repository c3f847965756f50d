"""contracts/readings.md on spend and forecasts: not sliced by segment, so they have 2024 to themselves."""

import pytest
from kpi_cases import Case, lost, rows, won, worth


@rows(
    spend=[
        {"spent_on": "2024-01-10", "department": "marketing", "category": "advertising", "amount": 100},
        # three days of 30: two in January, one in February
        {
            "spent_on": "2024-01-30",
            "spent_until": "2024-02-01",
            "department": "sales",
            "category": "salaries",
            "amount": 90,
        },
        {"spent_on": "2024-02-29", "department": "finance", "category": "tools", "amount": 1000},
        {
            "spent_on": "2024-02-29",
            "department": "marketing",
            "category": "advertising",
            "amount": 75,
            "currency_code": "GBP",
        },
        {"spent_on": "2024-04-01", "department": "marketing", "category": "events", "amount": 200},
    ],
    accounts=[{"source_id": name} for name in ("a", "b", "c")],
    subscription_periods=[
        worth(400, "2024-02-01", account_source_id="a"),
        # free until March: new only then
        worth(600, "2024-02-01", account_source_id="b", discount_percent=1, discount_ends_on="2024-03-01"),
        worth(800, "2024-02-29", "2024-03-10", account_source_id="c"),
        # who returns is not new
        worth(800, "2024-04-05", account_source_id="c"),
    ],
)
def test_acquisition_cost_is_spend_of_marketing_and_sales_over_new_customers(case: Case) -> None:
    def cost(month: str, variant: str = "default") -> tuple[float | None, float, float]:
        found = case.warehouse.kpi("customer_acquisition_cost", variant, "month", month)
        return found.value, float(found.numerator or 0), float(found.denominator or 0)

    assert cost("2024-01") == (None, 160, 0)
    # 30 + 75 GBP at 1.2, for a and c; 90 of it advertising; 1200 a year of new revenue
    assert cost("2024-02") == (60, 120, 2)
    assert cost("2024-02", "paid_only") == (45, 90, 2)
    assert cost("2024-02", "ratio_to_new_arr") == (0.1, 120, 1200)
    # b, for nothing
    assert cost("2024-03") == (0, 0, 1)
    assert cost("2024-04") == (None, 200, 0)
    assert case.warehouse.kpi(
        "customer_acquisition_cost", "default", "quarter", "2024-01"
    ).value == pytest.approx(280 / 3)


MAY = {"period_start": "2024-05-01", "period_end": "2024-06-01", "category": "commit"}
JUNE = {"period_start": "2024-06-01", "period_end": "2024-07-01", "category": "commit"}
QUARTER = {"period_start": "2024-04-01", "period_end": "2024-07-01", "category": "commit"}


@rows(
    users=[
        {"source_id": "ada", "name": "Ada Calls", "team": "Caller"},
        {"source_id": "ben", "name": "Ben Calls", "team": "Other"},
    ],
    opportunities=[
        won("2024-05-01", amount=60, owner_source_id="ada"),
        won("2024-05-31 23:59:59", amount=60, owner_source_id="ada"),
        won("2024-06-10", amount=50, owner_source_id="ada"),
        won("2024-06-11", amount=30, owner_source_id="ben"),
        lost("2024-06-12", amount=500, owner_source_id="ada"),
    ],
    forecasts=[
        # in force when May began: 100; 15 days before its end, on 17 May, that of the 16th
        {**MAY, "unit": "Caller", "submitted_at": "2024-04-01 10:00", "amount": 80},
        {**MAY, "unit": "Caller", "submitted_at": "2024-04-30 23:59:59", "amount": 100},
        {**MAY, "unit": "Caller", "submitted_at": "2024-05-01 00:00:00", "amount": 119},
        {**MAY, "unit": "Caller", "submitted_at": "2024-05-16 23:59:59", "amount": 114},
        {**MAY, "unit": "Caller", "submitted_at": "2024-05-17 00:00:00", "amount": 120},
        {
            **MAY,
            "unit": "Caller",
            "submitted_at": "2024-04-30 23:59:59",
            "amount": 120,
            "category": "best_case",
        },
        # called something, won nothing
        {**MAY, "unit": "ben calls", "submitted_at": "2024-04-02 10:00", "amount": 30},
        {**JUNE, "unit": "Caller", "submitted_at": "2024-05-02 10:00", "amount": 75},
        {**QUARTER, "unit": "company", "submitted_at": "2024-03-31 10:00", "amount": 180},
    ],
)
def test_forecasts_are_scored_by_the_commit_in_force_and_pooled_by_what_lies_inside(case: Case) -> None:
    def scored(variant: str, grain: str, start: str, unit: str | None = None) -> float | None:
        slice_of = ("forecast_unit", unit) if unit else ("all", "all")
        return case.warehouse.kpi("forecast_accuracy", variant, grain, start, *slice_of).value

    # 1 − 20/120; ben has no actual to divide by; together 1 − (20 + 30)/120
    assert scored("default", "month", "2024-05", "Caller") == pytest.approx(1 - 20 / 120)
    assert scored("default", "month", "2024-05", "ben calls") is None
    assert scored("default", "month", "2024-05") == pytest.approx(1 - 50 / 120)
    # 50 won, 75 called
    assert scored("default", "month", "2024-06", "Caller") == pytest.approx(0.5)
    # the quarter pools both months and its own call: 20 + 30 + 25 + |200 − 180| off, of 120 + 50 + 200
    assert scored("default", "quarter", "2024-04") == pytest.approx(1 - 95 / 370)
    assert scored("default", "quarter", "2024-04", "company") == pytest.approx(0.9)
    assert scored("default", "quarter", "2024-04", "Caller") == pytest.approx(1 - 45 / 170)
    # called too little is positive: 20 − 30 in May, 20 in the quarter
    assert scored("bias", "month", "2024-05") == pytest.approx(-10 / 120)
    assert scored("bias", "quarter", "2024-04", "company") == pytest.approx(0.1)
    # only calls with something won: 1/6 and 25/50
    assert scored("mape", "quarter", "2024-04", "Caller") == pytest.approx((1 / 6 + 1 / 2) / 2, abs=1e-6)
    # 15 days before the end of May: 114; 30 days before it, 2 May: 119; 60 days before it, 2 April: 80
    assert scored("horizon_15", "month", "2024-05", "Caller") == pytest.approx(1 - 6 / 120)
    assert scored("horizon_30", "month", "2024-05", "Caller") == pytest.approx(1 - 1 / 120)
    assert scored("horizon_60", "month", "2024-05", "Caller") == pytest.approx(1 - 40 / 120)
    assert scored("horizon_90", "month", "2024-05", "Caller") is None
