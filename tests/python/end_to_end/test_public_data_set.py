"""A public CRM data set, mapped in revops.yml alone: published figures come out, its dirt is reported."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.contract import PROJECT_ROOT

DATA = PROJECT_ROOT.parent / "shared" / "data" / "maven_crm"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA.exists(), reason="the public data set lies beside the project only in development"
    ),
]

CONFIG = """
sources:
  - name: maven
    kind: files
    path: {path}
    entities:
      accounts:
        file: accounts.csv
        columns: {{source_id: account, name: account, industry: sector, annual_revenue: revenue,
                  employee_count: employees, parent_source_id: subsidiary_of}}
      users:
        file: sales_teams.csv
        columns: {{source_id: sales_agent, name: sales_agent, team: manager, region: regional_office}}
      opportunities:
        file: sales_pipeline.csv
        columns: {{source_id: opportunity_id, stage: deal_stage, owner_source_id: sales_agent,
                  account_source_id: account, amount: close_value, opened_at: engage_date,
                  closed_at: close_date}}
        formats: {{opened_at: "%m/%d/%Y", closed_at: "%m/%d/%Y"}}
        allowed: {{product: {{file: products.csv, column: product}}}}
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("maven")
    config = folder / "revops.yml"
    config.write_text(CONFIG.format(path=DATA), encoding="utf-8")
    command = [sys.executable, "-c", "from orchestration.cli import main; main()", "run"]
    outcome = subprocess.run(
        [*command, "--config", str(config), "--home", str(folder / "home"), "--as-of", "2017-12-31"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    return duckdb.connect(str(Path(folder / "home/published/revops.duckdb").resolve()), read_only=True)


def one(published: duckdb.DuckDBPyConnection, column: str, where: str) -> float:
    ((value,),) = published.execute(
        f"select {column} from metrics.kpi_values where dimension = 'all' and grain = 'all_time' and {where}"
    ).fetchall()
    return float(value)


def test_the_published_figures_come_out(published: duckdb.DuckDBPyConnection) -> None:
    assert published.execute("select count(*) from revenue.opportunities").fetchall() == [(8800,)]
    assert one(published, "value", "kpi = 'win_rate' and variant = 'default'") == pytest.approx(
        0.63150, abs=5e-6
    )
    assert one(published, "value", "kpi = 'win_rate' and variant = 'including_open'") == pytest.approx(
        0.48159, abs=5e-6
    )
    assert one(published, "numerator", "kpi = 'win_rate' and variant = 'amount_weighted'") == 10_005_534
    assert one(published, "value", "kpi = 'sales_cycle_length' and variant = 'mean'") == pytest.approx(
        51.78, abs=0.005
    )
    assert one(
        published, "value", "kpi = 'sales_cycle_length' and variant = 'mean_all_closed'"
    ) == pytest.approx(47.99, abs=0.005)


def test_won_amounts_by_quarter_and_by_manager(published: duckdb.DuckDBPyConnection) -> None:
    won = (
        "select {} from metrics.kpi_values"
        " where kpi = 'win_rate' and variant = 'amount_weighted' and {} order by 1"
    )
    quarters = published.execute(
        won.format(
            "period_start, cast(numerator as integer)",
            "dimension = 'all' and grain = 'quarter' and period_start >= '2017-01-01'",
        )
    ).fetchall()
    assert [amount for _, amount in quarters] == [1_134_672, 3_086_111, 2_982_255, 2_802_496]
    managers = published.execute(
        won.format("dimension_value, cast(numerator as integer)", "dimension = 'team' and grain = 'all_time'")
    ).fetchall()
    assert managers == [
        ("Cara Losch", 1_130_049),
        ("Celia Rouche", 1_603_897),
        ("Dustin Brinkmann", 1_094_363),
        ("Melvin Marxen", 2_251_930),
        ("Rocco Neubert", 1_960_545),
        ("Summer Sewald", 1_964_750),
    ]


def test_the_dirt_in_it_is_reported(published: duckdb.DuckDBPyConnection) -> None:
    found = published.execute("select entity, failing_rows, message from operations.data_quality").fetchall()

    def reports(entity: str, rows: int, *words: str) -> bool:
        return any(
            entity == about and rows == failing and all(word in message for word in words)
            for about, failing, message in found
        )

    assert reports("opportunities", 1425, "no account"), found
    assert reports("users", 5, "own no deal"), found
    assert reports("accounts", 12, "technolgy", "technology"), found
    assert reports("opportunities", 1, '"GTXPro"', "1,480 rows", "'GTX Pro'"), found


def test_what_the_data_lacks_is_null_and_says_so(published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute(
        "select grain, value, null_reason from metrics.kpi_values"
        " where kpi = 'annual_recurring_revenue' and variant = 'default'"
    ).fetchall()
    assert rows == [("all_time", None, "missing_input:subscription_periods")]
