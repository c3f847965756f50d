"""contracts/readings.md on periods, missing entities and rows without a denominator."""

from datetime import date
from pathlib import Path

import pytest
from kpi_cases import AS_OF, EARLIER, NEW_YORK, Case, deal, rows, won, worth

from orchestration.warehouse import open_reader

# What each KPI cannot do without; every other entity may be absent.
NEEDED = {
    "win_rate": "opportunities",
    "sales_cycle_length": "opportunities",
    "pipeline_velocity": "opportunities",
    "average_deal_size": "opportunities",
    "customer_acquisition_cost": "spend",
    "forecast_accuracy": "forecasts",
    "customer_lifetime_value": "subscription_periods",
    "customer_churn": "subscription_periods",
    "upsells": "subscription_periods",
    "annual_recurring_revenue": "subscription_periods",
    "monthly_recurring_revenue": "subscription_periods",
    "net_revenue_retention": "subscription_periods",
    "gross_revenue_retention": "subscription_periods",
    "renewals": "contracts",
}


@rows(
    opportunities=[
        won("2025-02-10", amount=10),
        won("2026-06-10", amount=20),
        deal("Offer", opened="2025-01-01"),
    ],
    subscription_periods=[worth(100, "2025-02-01", "2026-06-01"), worth(150, "2026-06-01")],
)
def test_all_time_is_the_state_of_the_as_of_day_or_everything_up_to_it(case: Case) -> None:
    assert case.kpi("average_deal_size").numerator == 30
    assert case.kpi("annual_recurring_revenue").value == 150
    earlier = case.as_of(EARLIER)
    assert earlier.kpi("average_deal_size").numerator == 10
    assert earlier.kpi("annual_recurring_revenue").value == 100
    assert case.kpi("annual_recurring_revenue").period_end == date(2026, 7, 1)
    # nothing was there before all time began
    for kpi in ("customer_churn", "upsells", "net_revenue_retention", "gross_revenue_retention"):
        found = case.kpi(kpi)
        assert (found.value, found.null_reason) == (None, "no_denominator"), kpi


@rows(subscription_periods=[worth(100, "2026-01-01")])
def test_no_period_begins_after_the_as_of_day(case: Case) -> None:
    latest = "select max(period_start), max(as_of) from metrics.kpi_values"
    assert case.warehouse.rows(latest) == [(date(2026, 6, 1), AS_OF)]
    assert case.as_of(EARLIER).warehouse.rows(latest) == [(date(2026, 3, 1), EARLIER)]


@rows(opportunities=[won("2026-05-31"), won("2025-06-30"), won("2025-05-31")])
def test_trailing_twelve_months_have_one_row_for_each_month_end(case: Case) -> None:
    periods = case.warehouse.rows(
        "select period_start, period_end from metrics.kpi_values where kpi = 'win_rate'"
        " and variant = 'default' and grain = ? and dimension = 'all' order by 1",
        "trailing_12_months",
    )
    months = case.warehouse.rows(
        "select period_end from metrics.kpi_values where kpi = 'win_rate' and variant = 'default'"
        " and grain = ? and dimension = 'all' order by 1",
        "month",
    )
    assert [end for _, end in periods] == [end for (end,) in months]
    assert all(start == end.replace(year=end.year - 1) for start, end in periods)
    # twelve months to the end of May 2026: June 2025 is the first of them
    assert case.kpi("win_rate", grain="trailing_12_months", start="2025-06").n == 2


@rows(opportunities=[won("2026-03-10")])
def test_a_period_without_a_denominator_has_a_row_with_null(case: Case) -> None:
    for month in ("2026-02", "2026-04", "2026-06"):
        found = case.kpi("win_rate", grain="month", start=month)
        assert (found.value, found.denominator, found.null_reason) == (None, 0, "no_denominator"), month


@rows(NEW_YORK, opportunities=[won("2026-05-10")])
def test_an_absent_entity_leaves_one_all_time_row_that_names_it(case: Case) -> None:
    # nobody gives this company contracts, spend or forecasts
    for kpi, entity in NEEDED.items():
        if entity in ("contracts", "spend", "forecasts"):
            found = case.warehouse.rows(
                "select distinct grain, dimension, dimension_value, value, null_reason"
                " from metrics.kpi_values where kpi = ?",
                kpi,
            )
            assert found == [("all_time", "all", "all", None, f"missing_input:{entity}")], kpi
        else:
            assert case.warehouse.kpi(kpi).null_reason != f"missing_input:{entity}", kpi


# A reading that needs another entity than the KPI's others.
NEEDED_BY_READING = {("customer_lifetime_value", "non_contractual"): "opportunities"}


@pytest.mark.parametrize(("kpi", "entity"), NEEDED.items())
def test_without_any_source_every_kpi_says_what_it_needs(
    kpi: str, entity: str, built_without_data: Path
) -> None:
    with open_reader(built_without_data) as con:
        found = con.execute(
            "select variant, grain, dimension, dimension_value, value, n, null_reason"
            " from metrics.kpi_values where kpi = ? order by variant",
            [kpi],
        ).fetchall()
        readings = con.execute(
            "select variant from metrics.kpi_catalog where kpi = ? order by variant", [kpi]
        ).fetchall()
    # one row for each reading of it
    assert found == [
        (
            *(variant, "all_time", "all", "all", None, 0),
            f"missing_input:{NEEDED_BY_READING.get((kpi, variant), entity)}",
        )
        for (variant,) in readings
    ]
