"""Filters change what they say they change, and the URL holds them."""

from pathlib import Path

import duckdb
import pytest
from opening import Opened, Opener

FILTERS = ("segment", "region", "team", "product")


def largest(warehouse: duckdb.DuckDBPyConnection, dimension: str) -> str:
    """The value of a dimension with most records."""
    rows = warehouse.execute(
        "select dimension_value from metrics.kpi_values where dimension = ? and dimension_value <> 'unknown'"
        " group by 1 order by max(n) desc, 1 limit 1",
        [dimension],
    ).fetchall()
    return str(rows[0][0])


def table_of(opened: Opened, block: str) -> list[str]:
    """The texts of a block's table."""
    section = opened.page.locator(f"[data-block={block}]")
    button = section.get_by_role("button", name="Table")
    if button.get_attribute("aria-pressed") == "false":
        button.click()
    return section.locator("tbody td").all_inner_texts()


@pytest.mark.parametrize("dimension", FILTERS)
def test_cards_follow_a_filter_they_are_published_by_and_say_so_otherwise(
    dimension: str, company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    value = largest(warehouse, dimension)
    opened = open_page(company_page)
    opened.page.locator(f"summary[data-control={dimension}]").click()
    opened.page.locator(f'[data-control="{dimension}-{value}"]').check()
    rows = warehouse.execute(
        "with period as (select max(period_start) as start from metrics.kpi_values"
        "  where grain = 'quarter' and period_end <= as_of + 1)"
        " select kpi, dimension, value from metrics.kpi_values, period"
        " where variant = 'default' and grain = 'quarter' and period_start = period.start"
        " and (dimension = 'all' or (dimension = ? and dimension_value = ?))",
        [dimension, value],
    ).fetchall()
    published = {(kpi, name): number for kpi, name, number in rows}
    sliced_kpis = {
        kpi
        for (kpi,) in warehouse.execute(
            "select distinct kpi from metrics.kpi_values where dimension = ?", [dimension]
        ).fetchall()
    }
    followed = 0
    for card in opened.page.locator(".card").all():
        kpi = card.get_attribute("data-kpi") or ""
        notes = card.locator(".card-foot").inner_text()
        expected = published.get((kpi, dimension if kpi in sliced_kpis else "all"))
        if kpi in sliced_kpis:
            followed += 1
            assert value in notes
        else:
            assert f"not by {dimension}" in notes
        shown = card.locator(".card-value data")
        if expected is None:
            assert shown.count() == 0
        else:
            assert float(shown.get_attribute("value") or "nan") == pytest.approx(expected, rel=1e-7)
    assert followed > 0
    assert opened.errors == []


def test_two_filters_cross_where_the_records_allow_it(
    company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    segment, region = largest(warehouse, "segment"), largest(warehouse, "region")
    opened = open_page(company_page, f"segment={segment}&region={region}")
    rows = warehouse.execute(
        "with period as (select max(period_end) as finish from metrics.kpi_values"
        "  where grain = 'quarter' and period_end <= as_of + 1)"
        " select pipeline.shared_stage, count(*)"
        " from revenue.pipeline_daily as pipeline, period, revenue.opportunities as deals"
        " where deals.opportunity_id = pipeline.opportunity_id and pipeline.day = period.finish - 1"
        " and deals.segment = ? and deals.region = ? group by 1",
        [segment, region],
    ).fetchall()
    texts = table_of(opened, "pipeline-stages")
    assert sum(int(text) for text in texts[1::2]) == sum(count for _, count in rows)
    note = opened.page.locator(".card[data-kpi=win_rate] .not-followed").inner_text()
    assert note == "not by region"


@pytest.mark.parametrize("dimension", FILTERS)
def test_a_block_follows_a_filter_or_says_that_it_does_not(
    dimension: str, company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    value = largest(warehouse, dimension)
    opened = open_page(company_page)
    plain = {block: opened.page.locator(f"[data-block={block}]").inner_html() for block in blocks(opened)}
    opened.page.evaluate(
        "given => { location.hash = new URLSearchParams([given]).toString(); }", [dimension, value]
    )
    opened.page.wait_for_selector(f".filter[data-filter={dimension}][data-active=true]")
    silent = []
    for block in plain:
        about = opened.page.locator(f"[data-block={block}] .block-about")
        says = about.locator(".slice, .not-followed").count() > 0 if about.count() else True
        if not says:
            silent.append(block)
    assert silent == []


def blocks(opened: Opened) -> list[str]:
    """The blocks of the tab in order."""
    return [block.get_attribute("data-block") or "" for block in opened.page.locator(".block").all()]


def test_the_url_restores_the_view(
    company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    region = largest(warehouse, "region")
    opened = open_page(company_page)
    opened.page.get_by_role("button", name="Sales", exact=True).click()
    opened.page.locator("[data-control=grain-month]").check()
    opened.page.locator("[data-control='Earlier period']").click()
    opened.page.locator("summary[data-control=region]").click()
    opened.page.locator(f'[data-control="region-{region}"]').check()
    url = opened.page.url
    again = open_page(company_page, url.split("#", 1)[1])
    for each in (".card-value", ".block-about"):
        assert again.page.locator(each).all_inner_texts() == opened.page.locator(each).all_inner_texts()
    assert again.page.locator("#period").input_value() == opened.page.locator("#period").input_value()
    opened.page.go_back()
    assert opened.page.locator(".filter[data-active=true]").count() == 0


def test_unknown_words_in_the_url_are_named_and_left_out(company_page: Path, open_page: Opener) -> None:
    opened = open_page(company_page, "tab=nowhere&grain=decade&period=1999-01-01&segment=Martians&show=luck")
    messages = opened.page.locator(".notice").all_inner_texts()
    for word in ("nowhere", "decade", "1999-01-01", "Martians", "luck"):
        assert any(word in message for message in messages), word
    assert opened.page.locator(".card").count() == 10
    assert opened.page.locator("[aria-current=page]").inner_text() == "Executive"
    assert opened.errors == []
