"""Every number leads to its definition and to the records behind it."""

from pathlib import Path

import duckdb
import pytest
from opening import Opened, Opener, written
from small_files import Deal, SmallFile, Value, write

# KPIs whose n is a number of records that the page carries.
COUNTED = {
    "win_rate": "opportunities",
    "sales_cycle_length": "opportunities",
    "pipeline_velocity": "pipeline",
    "forecast_accuracy": "forecasts",
    "customer_lifetime_value": "recurring",
    "customer_churn": "customers",
    "renewals": "contracts",
    "upsells": "movements",
    "average_deal_size": "opportunities",
    "net_revenue_retention": "customers",
}


def open_kpi(opened: Opened, kpi: str) -> None:
    """Open the details of a KPI by its place in the URL."""
    opened.page.evaluate(
        "kpi => { const to = new URLSearchParams(location.hash.slice(1)); to.set('show', kpi);"
        " location.hash = to; }",
        kpi,
    )
    opened.page.wait_for_selector("dialog[open] .drill-part")


@pytest.mark.parametrize("kpi", COUNTED)
def test_the_records_shown_are_as_many_as_the_kpi_counts(
    kpi: str, company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    opened = open_page(company_page)
    rows = warehouse.execute(
        "select period_start, n from metrics.kpi_values where kpi = ? and variant = 'default'"
        " and grain = 'quarter' and dimension = 'all' and period_end <= as_of + 1"
        " order by period_start desc limit 3",
        [kpi],
    ).fetchall()
    for start, n in rows:
        opened.go(f"grain=quarter&period={start}")
        open_kpi(opened, kpi)
        sets = opened.page.locator(f".record-set[data-table={COUNTED[kpi]}]")
        shown = [int(each.get_attribute("data-records") or 0) for each in sets.all()]
        # one set, or one each of those that count above the line and of the rest
        assert n in (*shown, sum(shown)), (start, n, shown)
        opened.close_details()


def test_records_of_a_slice_are_those_of_the_slice(
    company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    rows = warehouse.execute(
        "select dimension_value, period_start, n from metrics.kpi_values where kpi = 'win_rate'"
        " and variant = 'default' and grain = 'quarter' and dimension = 'segment' and period_end <= as_of + 1"
        " order by period_start desc, 1 limit 4"
    ).fetchall()
    opened = open_page(company_page)
    for segment, start, n in rows:
        opened.page.evaluate(
            "given => { location.hash = new URLSearchParams(given); }",
            {"grain": "quarter", "period": str(start), "segment": segment, "show": "win_rate"},
        )
        opened.page.wait_for_selector("dialog[open] .record-set")
        shown = opened.page.locator(".record-set").first
        assert int(shown.get_attribute("data-records") or 0) == n, segment
        opened.close_details()


def test_every_record_names_its_source(company_page: Path, open_page: Opener) -> None:
    opened = open_page(company_page)
    for kpi in COUNTED:
        open_kpi(opened, kpi)
        for table in opened.page.locator(".record-set table").all():
            heads = [text.strip() for text in table.locator("thead th").all_inner_texts()]
            system, record = heads.index("Source system"), heads.index("Source id")
            cells = table.locator("tbody tr").first.locator("th, td").all_inner_texts()
            assert cells[system] not in ("", "–"), kpi
            assert cells[record] not in ("", "–"), kpi
        opened.close_details()


def test_mouse_and_keyboard_lead_to_the_same_records(company_page: Path, open_page: Opener) -> None:
    by_mouse = open_page(company_page)
    by_mouse.page.locator(".card[data-kpi=win_rate]").click()
    by_mouse.page.wait_for_selector("dialog[open] .record-set")
    by_keys = open_page(company_page)
    for _ in range(60):
        by_keys.page.keyboard.press("Tab")
        if by_keys.page.evaluate("document.activeElement.closest('.card')?.dataset.kpi") == "win_rate":
            break
    by_keys.page.keyboard.press("Enter")
    by_keys.page.wait_for_selector("dialog[open] .record-set")
    rows = ".record-set tbody tr"
    assert by_keys.page.locator(rows).all_inner_texts() == by_mouse.page.locator(rows).all_inner_texts()
    by_keys.page.keyboard.press("Escape")
    assert by_keys.page.locator("dialog[open]").count() == 0
    assert by_keys.page.evaluate("document.activeElement.closest('.card')?.dataset.kpi") == "win_rate"


def test_a_bar_and_its_row_in_the_table_open_the_same_records(company_page: Path, open_page: Opener) -> None:
    opened = open_page(company_page)
    block = opened.page.locator("[data-block=pipeline-stages]")
    block.scroll_into_view_if_needed()
    box = block.locator(".chart").bounding_box()
    assert box
    opened.page.mouse.click(box["x"] + 130, box["y"] + box["height"] / 8)
    opened.page.wait_for_selector("dialog[open] .record-set")
    by_mouse = opened.page.locator(".record-set tbody tr").all_inner_texts()
    opened.page.keyboard.press("Escape")
    block.get_by_role("button", name="Table").press("Enter")
    block.locator("tbody .cell-open").first.press("Enter")
    opened.page.wait_for_selector("dialog[open] .record-set")
    assert opened.page.locator(".record-set tbody tr").all_inner_texts() == by_mouse
    assert by_mouse


def test_the_query_beside_the_records_finds_as_many_in_the_published_file(
    company_page: Path, warehouse: duckdb.DuckDBPyConnection, open_page: Opener
) -> None:
    opened = open_page(company_page)
    for block in ("pipeline-stages", "pipeline-close", "arr-waterfall"):
        section = opened.page.locator(f"[data-block={block}]")
        section.get_by_role("button", name="Table").click()
        for button in section.locator("tbody .cell-open").all():
            button.click()
            opened.page.wait_for_selector("dialog[open] .record-set")
            for records in opened.page.locator(".record-set").all():
                command = records.locator("code").inner_text()
                query = command.removeprefix('revops sql "').removesuffix('"')
                found = len(warehouse.execute(query).fetchall())
                assert found == int(records.get_attribute("data-records") or -1), query
            opened.page.keyboard.press("Escape")


def test_a_file_of_records_holds_all_of_them_and_no_formula(tmp_path: Path, open_page: Opener) -> None:
    deals = [Deal(f"d{index}", f'=HYPERLINK("x";{index})') for index in range(60)]
    content = SmallFile(values=[Value(share=(60, 60))], deals=deals)
    opened = open_page(written(write(tmp_path / "revops.duckdb", content), tmp_path), "show=win_rate")
    opened.page.wait_for_selector("dialog[open] .record-set")
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name="CSV").click()
    lines = Path(download.value.path()).read_bytes().decode("utf-8-sig").split("\r\n")
    assert len([line for line in lines if line]) == 61
    assert all("'=HYPERLINK" in line for line in lines[1:] if line)
