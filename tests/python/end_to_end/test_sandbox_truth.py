"""Every published KPI of the pretend company equals what the world itself knows, on any day, in every slice.

REVOPS_TRUTH_DAYS says on how many random days, besides the last; `make oracle` takes ten.
"""

import os
from datetime import date, timedelta
from random import Random

import duckdb
import pytest
from company import UNTIL, Company

from sandbox import truth

pytestmark = pytest.mark.slow

TOLERANCE = 1e-9
FIRST = date(2024, 4, 1)
DAYS = Random(11).sample(range((UNTIL - FIRST).days), int(os.environ.get("REVOPS_TRUTH_DAYS", "1")))


def differences(company: Company, as_of: date) -> list[str]:
    """Rows in which the published value, or whether there is one, is not the world's."""
    with duckdb.connect(str(company.published), read_only=True) as con:
        published = {
            tuple(row[:6]): row[6]
            for row in con.execute(
                "select kpi, variant, grain, period_start, dimension, dimension_value, value"
                " from metrics.kpi_values"
            ).fetchall()
        }
        ledger = con.execute(
            "select movement, sum(amount), count(*) from metrics.arr_movements group by movement"
        ).fetchall()
    wrong = []
    known = truth.kpis(company.world, as_of) | truth.readings(company.world, as_of)
    for key, figure in known.items():
        if key.kpi == "arr_movements":
            continue
        true = None if figure.value is None else float(figure.value)
        if tuple(key) not in published:
            # a slice of which no record exists yet has no rows
            if true is not None and figure.n > 0:
                wrong.append(f"{key}: not published, is {true}")
            continue
        found = published[tuple(key)]
        if (found is None) != (true is None) or (
            found is not None and true is not None and abs(found - true) > TOLERANCE * max(1.0, abs(true))
        ):
            wrong.append(f"{key}: published {found}, is {true}")
    true_ledger: dict[str, float] = {}
    for movement in truth.movements(company.world, as_of):
        true_ledger[movement.movement] = true_ledger.get(movement.movement, 0.0) + float(movement.amount)
    for name, amount, _ in ledger:
        if abs(float(amount) - true_ledger.pop(name, 0.0)) > 0.01:
            wrong.append(f"ledger {name}: published {amount}")
    return wrong + [
        f"ledger {name}: not published, is {amount}" for name, amount in true_ledger.items() if amount
    ]


def test_every_kpi_equals_the_truth_of_the_last_day(company: Company) -> None:
    assert differences(company, UNTIL) == []


@pytest.mark.parametrize("as_of", [FIRST + timedelta(days=days) for days in DAYS])
def test_every_kpi_equals_the_truth_of_an_earlier_day(company: Company, as_of: date) -> None:
    outcome = company.revops(
        "run", "--config", str(company.config()), "--no-extract", "--as-of", as_of.isoformat()
    )
    assert outcome.returncode == 0, outcome.stderr
    assert differences(company, as_of) == []


def test_a_second_run_and_another_thread_count_change_nothing(company: Company) -> None:
    # A full refresh builds although nothing changed.
    arguments = (
        *("run", "--config", str(company.config()), "--as-of", UNTIL.isoformat()),
        *("--no-extract", "--full-refresh"),
    )
    assert company.revops(*arguments, REVOPS_THREADS="2").returncode == 0
    first = company.content_hashes()
    again = company.revops(*arguments, REVOPS_THREADS="1")
    assert again.returncode == 0, again.stderr
    second = company.content_hashes()
    assert {name for name in first if first[name] != second[name]} == set()
    assert first.keys() == second.keys()


@pytest.mark.parametrize(
    ("source", "kpi", "missing"),
    [
        ("billing", "annual_recurring_revenue", "subscription_periods"),
        ("crm", "win_rate", "opportunities"),
        ("marketing", "funnel_conversion", None),
        ("support", "first_reply_time", "tickets"),
        ("tracker", "win_rate", None),
    ],
)
def test_without_one_source_the_rest_is_published_and_says_what_is_missing(
    company: Company, source: str, kpi: str, missing: str | None
) -> None:
    config = company.config(without=source)
    outcome = company.revops("run", "--config", str(config), "--no-extract", "--as-of", UNTIL.isoformat())
    assert outcome.returncode == 0, outcome.stderr
    with duckdb.connect(str(company.published), read_only=True) as con:
        rows = con.execute(
            "select grain, dimension, value, null_reason from metrics.kpi_values"
            " where kpi = ? and variant = 'default'",
            [kpi],
        ).fetchall()
        everything = con.execute("select count(distinct kpi) from metrics.kpi_values").fetchall()[0][0]
        catalog = con.execute("select count(distinct kpi) from metrics.kpi_catalog").fetchall()[0][0]
        silos = con.execute("select distinct unnest(silos) from revenue.accounts").fetchall()
    assert everything == catalog
    assert (source,) not in silos
    if missing:
        assert rows == [("all_time", "all", None, f"missing_input:{missing}")]
    else:
        assert any(value is not None for _, _, value, _ in rows)
