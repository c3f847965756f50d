"""Where help is needed and what is expected: tables of the published file, the worst first, in words."""

from pathlib import Path

import duckdb
from opening import Opened, Opener, written
from small_files import QUARTER, SmallFile, Value, write

START = QUARTER[0].isoformat()
TABLES = f"""
create table metrics.bottlenecks as select * from (values
    (date '{START}', 'new_business', 'proposal', 'SMB', 10, 12.0, 11.5, 3.0, 0.0, false, null, 'as usual'),
    (date '{START}', 'new_business', 'negotiation', 'Enterprise', 20, 41.25, 18.0, 300.0, 1234567.0, true, 1,
        'slower than usual')
) as rows(period_start, process, step, segment, cases, days, usual_days, excess_days, amount_at_risk,
    is_bottleneck, bottleneck_rank, reason);
create table metrics.team_support as select * from (values
    (date '{START}', 'APAC', 'sales', false, null, null, null, null, 0.9, 'nothing beyond chance'),
    (date '{START}', 'EMEA <b>', 'sales', true, 'win_rate', 0.12, 0.31, 0.28, 0.4, 'behind its peers')
) as rows(period_start, team, department, needs_support, kpi, actual, peers, own_past, quota_attainment,
    reason);
create table metrics.tool_adoption as select * from (values
    ('Dialer', 'sales', 'calling', 8, 0.0, 'unused', 400.0, 4800.0, ['Phone (marketing)'])
) as rows(tool, department, purpose, respondents, adoption, status, monthly_cost_share, yearly_cost_unused,
    overlaps_with);
create table metrics.revenue_forecast as select * from (values
    (date '{START}', 'North', 1.0, 2.0, 3.0, 0.5, 1.0, 0.5, 'naive', null),
    (date '{START}', 'company', 1e6, 2e6, 3e6, 5e5, 1e6, 5e5, 'model', null)
) as rows(period_start, unit, low, expected, high, won_so_far, from_pipeline, not_yet_created, method, needs);
create table metrics.account_health as select * from (values
    ('a', date '{START}', 0.97, 0.9, 'good', 30.0, 1000.0, date '2026-09-01',
        '[{{"feature": "tenure", "log_odds": -0.5}}]', null),
    ('b', date '{START}', 0.6, 0.9, 'at risk', 4000.0, 10000.0, null,
        '[{{"feature": "tenure", "log_odds": 0.5}}, {{"feature": "region", "log_odds": -0.4}},
        {{"feature": "use", "log_odds": 0.3}}]', null)
) as rows(account_id, as_of, health, baseline_health, status, amount_at_risk, recurring_amount,
    next_renewal_on, reasons, needs);
create table metrics.kpi_anomalies as select * from (values
    ('win_rate', 'all', 'all', date '{START}', 0.5, 0.52, 0.1, 1.0, false),
    ('win_rate', 'segment', 'SMB', date '{START}', 0.1, 0.5, 6.5, 0.01, true)
) as rows(kpi, dimension, dimension_value, period_start, value, expected, deviation, false_discovery_rate,
    is_anomaly);
create table metrics.forecast_backtest as select * from (values
    (date '{START}', 'company', 90, 'model', 1e6, 2e6, 3e6, 3500000.0),
    (date '{START}', 'company', 30, 'model', 2e6, 3e6, 4e6, 3500000.0),
    (date '{START}', 'company', 30, 'naive', 2e6, 1e6, 4e6, 3500000.0),
    (date '{START}', 'North', 30, 'model', 1.0, 2.0, 3.0, 2.0)
) as rows(period_start, unit, horizon_days, method, low, forecast, high, actual);
create table metrics.attribution_by_channel as select * from (values
    ('first_touch', 'paid_search', 0.7, 70.0, 7, 0.2, 0.7), ('first_touch', 'event', 0.3, 30.0, 3, 0.3, 0.8),
    ('last_touch', 'paid_search', 0.2, 20.0, 2, 0.2, 0.7), ('last_touch', 'event', 0.8, 80.0, 8, 0.3, 0.8)
) as rows(model, channel, share, credited_amount, deals, lowest_share, highest_share);
"""


def with_insight(folder: Path) -> Path:
    """A page of a file that holds a few rows of each table."""
    file = write(folder / "revops.duckdb", SmallFile(values=[Value(share=(1, 2))]))
    with duckdb.connect(str(file)) as con:
        con.execute(TABLES)
    return written(file, folder)


def rows_of(opened: Opened, block: str) -> list[list[str]]:
    rows = opened.page.locator(f"[data-block={block}] tbody tr").all()
    texts = [row.locator("th, td").all_inner_texts() for row in rows]
    return [[cell.replace("\u202f", " ") for cell in row] for row in texts]


def test_the_worst_comes_first_and_says_why(tmp_path: Path, open_page: Opener) -> None:
    opened = open_page(with_insight(tmp_path), "tab=revenue_operations")
    worst, usual = rows_of(opened, "bottlenecks")
    assert worst[0].endswith("Negotiation")
    assert "needs help" in worst[0]
    assert worst[1:] == ["New business", "Enterprise", "41.25", "18", "20", "1,234,567", "slower than usual"]
    assert usual[0] == "Proposal"
    team, other = rows_of(opened, "team-support")
    assert "EMEA <b>" in team[0]
    assert team[2:] == ["Win rate", "12.0 %", "31.0 %", "28.0 %", "40.0 %", "behind its peers"]
    assert other[0] == "APAC"
    assert rows_of(opened, "tools")[0][3:] == ["Unused", "0.0 %", "8", "400", "4,800", "Phone (marketing)"]
    assert opened.errors == []


def test_the_most_revenue_at_risk_comes_first_with_its_reasons_in_words(
    tmp_path: Path, open_page: Opener
) -> None:
    opened = open_page(with_insight(tmp_path), "tab=customer_success")
    worst, good = rows_of(opened, "account-health")
    assert any("needs help" in cell and cell.endswith("At risk") for cell in worst)
    assert not any("needs help" in cell for cell in good)
    assert worst[-2] == "Up: tenure, use; down: region"
    assert good[-2] == "Down: tenure"
    assert opened.errors == []


def test_expected_revenue_begins_with_the_company(tmp_path: Path, open_page: Opener) -> None:
    opened = open_page(with_insight(tmp_path), "tab=executive")
    company, team = rows_of(opened, "revenue-forecast")
    assert company[0] == "company"
    assert company[2:5] == ["1,000,000", "2,000,000", "3,000,000"]
    assert team[0] == "North"


def test_forecasts_of_past_quarters_stand_beside_what_came(tmp_path: Path, open_page: Opener) -> None:
    opened = open_page(with_insight(tmp_path), "tab=sales")
    early, late = rows_of(opened, "forecast-record")
    assert "needs help" in early[0] and "needs help" not in late[0]
    assert early[1:] == ["90", "1,000,000", "2,000,000", "3,000,000", "3,500,000"]
    assert late[1:] == ["30", "2,000,000", "3,000,000", "4,000,000", "3,500,000"]
    assert opened.errors == []


def test_only_what_broke_with_its_history_is_an_anomaly(tmp_path: Path, open_page: Opener) -> None:
    opened = open_page(with_insight(tmp_path), "tab=revenue_operations")
    (found,) = rows_of(opened, "anomalies")
    assert found[0].endswith("Win rate")
    assert found[1:] == ["Segment", "SMB", "10.0 %", "50.0 %", "6.5"]


def test_channels_are_shown_by_model_with_their_spread(tmp_path: Path, open_page: Opener) -> None:
    opened = open_page(with_insight(tmp_path), "tab=marketing")
    assert rows_of(opened, "attribution") == [
        ["Event", "30 % to 80 %", "30.0 %", "80.0 %"],
        ["Paid search", "20 % to 70 %", "70.0 %", "20.0 %"],
    ]


def test_a_table_that_is_not_published_is_named(tmp_path: Path, open_page: Opener) -> None:
    opened = open_page(with_insight(tmp_path), "tab=revenue_operations")
    shown = opened.page.locator("[data-block=handoffs]").inner_text()
    assert "metrics.handoffs" in shown
