"""What the page says is what the published file says."""

from pathlib import Path

import duckdb
import page_data
import pytest
from opening import Opener, written
from small_files import QUARTER, Goal, SmallFile, Value, write

GRAINS = ("month", "quarter", "year", "trailing_12_months", "all_time")


def test_every_kpi_value_on_the_page_is_the_published_one(
    company_page: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    rows = warehouse.execute(
        "select kpi, variant, grain, period_start, dimension, dimension_value, value, n, null_reason"
        " from metrics.kpi_values"
    ).fetchall()
    published = {row[:6]: row[6:] for row in rows}
    data = page_data.read(company_page)
    cells = list(page_data.cells(data))
    wrong = []
    for cell in cells:
        place = tuple(cell[:6])
        value, n, reason = published.get(place, (None, None, None))
        same = cell.value == pytest.approx(value, rel=1e-7) if value is not None else cell.value is None
        if not same or (place in published and (cell.n != n or cell.null_reason != reason)):
            wrong.append((cell, published.get(place)))
    assert wrong[:5] == []
    periods = {(cell.grain, cell.period_start) for cell in cells}
    totals = {place for place in published if place[4] == "all" and (place[2], place[3]) in periods}
    assert totals <= {tuple(cell[:6]) for cell in cells}


@pytest.mark.parametrize("grain", GRAINS)
def test_every_card_shows_the_published_value_or_its_reason(
    grain: str, company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    periods = warehouse.execute(
        "select distinct period_start from metrics.kpi_values where grain = ? order by 1 desc limit 3",
        [grain],
    ).fetchall()
    opened = open_page(company_page)
    for (start,) in periods:
        opened.go(f"grain={grain}&period={start}")
        rows = warehouse.execute(
            "select kpi, value from metrics.kpi_values where variant = 'default' and dimension = 'all'"
            " and grain = ? and period_start = ?",
            [grain, start],
        ).fetchall()
        published = dict(rows)
        cards = opened.page.locator(".card").all()
        assert len(cards) == 10
        for card in cards:
            kpi = card.get_attribute("data-kpi") or ""
            shown = card.locator(".card-value data")
            if published.get(kpi) is None:
                assert shown.count() == 0
                assert card.locator(".card-value").inner_text().strip()
            else:
                assert float(shown.get_attribute("value") or "nan") == pytest.approx(published[kpi], rel=1e-7)


def test_several_slices_are_the_sum_of_numerators_over_the_sum_of_denominators(
    tmp_path: Path, open_page: Opener
) -> None:
    slices = [
        Value(dimension="segment", dimension_value="Large", share=(1, 2)),
        Value(dimension="segment", dimension_value="Small", share=(90, 100)),
    ]
    file = write(tmp_path / "revops.duckdb", SmallFile(values=[Value(share=(91, 102)), *slices]))
    opened = open_page(written(file, tmp_path), "segment=Large&segment=Small")
    shown = opened.page.locator(".card[data-kpi=win_rate] .card-value")
    assert shown.inner_text().replace("\u202f", " ") == "89.2 %"
    assert float(shown.locator("data").get_attribute("value") or "nan") == pytest.approx(91 / 102)
    opened.go("segment=Large")
    assert shown.inner_text().replace("\u202f", " ") == "50.0 %"


def test_slices_that_do_not_sum_are_not_joined(tmp_path: Path, open_page: Opener) -> None:
    values = [
        Value(kpi="sales_cycle_length", unit="days", value=30),
        Value(kpi="sales_cycle_length", unit="days", dimension="segment", dimension_value="Large", value=50),
        Value(kpi="sales_cycle_length", unit="days", dimension="segment", dimension_value="Small", value=20),
    ]
    file = write(tmp_path / "revops.duckdb", SmallFile(values=values))
    opened = open_page(written(file, tmp_path), "segment=Large&segment=Small")
    shown = opened.page.locator(".card[data-kpi=sales_cycle_length] .card-value")
    assert shown.inner_text() == "Cannot be joined from slices; choose one value"
    opened.go("segment=Large")
    assert shown.inner_text() == "50 days"


def test_a_missing_value_says_why(tmp_path: Path, open_page: Opener) -> None:
    values = [
        Value(null_reason="no_denominator"),
        Value(kpi="customer_churn", null_reason="insufficient_history"),
        Value(
            kpi="customer_acquisition_cost",
            grain="all_time",
            null_reason="missing_input:spend",
            unit="currency",
        ),
    ]
    file = write(tmp_path / "revops.duckdb", SmallFile(values=values))
    opened = open_page(written(file, tmp_path))
    shown = {
        card.get_attribute("data-kpi"): card.locator(".card-value").inner_text()
        for card in opened.page.locator(".card").all()
    }
    assert shown == {
        "win_rate": "Nothing to measure",
        "customer_churn": "History too short",
        "customer_acquisition_cost": "No source gives spend",
    }
    assert opened.errors == []


@pytest.mark.parametrize("target", [0.0, -1.0, None, 0.6])
def test_any_target_is_shown_as_the_goal_says(
    target: float | None, tmp_path: Path, open_page: Opener
) -> None:
    content = SmallFile(values=[Value(share=(1, 2))], goals=[Goal(target, "at_risk")])
    opened = open_page(written(write(tmp_path / "revops.duckdb", content), tmp_path))
    shown = opened.page.locator(".card .card-target").inner_text()
    assert ("At risk" in shown) == (target is not None)
    assert "NaN" not in opened.page.locator("#page").inner_html()
    assert opened.errors == []


def test_the_change_is_against_the_period_that_ends_where_this_begins(
    tmp_path: Path, open_page: Opener
) -> None:
    before = (QUARTER[0].replace(year=2025, month=10), QUARTER[0])
    values = [Value(share=(1, 2)), Value(share=(3, 10), period=before)]
    opened = open_page(written(write(tmp_path / "revops.duckdb", SmallFile(values=values)), tmp_path))
    shown = opened.page.locator(".card .card-change").inner_text()
    assert "20 pts" in shown
    assert "vs Q4 2025" in shown


def test_the_recurring_revenue_chart_ends_at_the_published_value(
    company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    opened = open_page(company_page)
    block = opened.page.locator("[data-block=arr-waterfall]")
    block.get_by_role("button", name="Table").click()
    cells = block.locator("tbody tr td:nth-child(2)").all_inner_texts()
    amounts = [float(text.replace("$", "").replace(",", "").replace("−", "-")) for text in cells]
    period = opened.page.locator("#period option:checked").inner_text()
    ((published,),) = warehouse.execute(
        "select value from metrics.kpi_values where kpi = 'annual_recurring_revenue' and variant = 'default'"
        " and grain = 'quarter' and dimension = 'all' and period_end <= as_of + 1"
        " order by period_end desc limit 1"
    ).fetchall()
    assert period.startswith("Q")
    assert amounts[-1] == pytest.approx(published, abs=1)
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1], abs=len(amounts))
