"""What holds for any history of customers, deals and contracts, however odd.

An example is a pair of companies with lives of their own, in a segment of its own, so that hundreds share a
build. REVOPS_EXAMPLES says how many; `make properties` takes 5,000.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from kpi_cases import EXCHANGE_RATES
from kpi_lives import AS_OF, company_of, examples, shuffled
from kpi_warehouse import Warehouse, build

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("REVOPS_EXAMPLES", "300"))
# as many as fit into one build
TOGETHER = 300
EARLIER = date(2026, 4, 10)

# Sums over records: slices add up to the total, months to quarters.
FLOWS = [
    ("win_rate", "default"), ("win_rate", "amount_weighted"), ("win_rate", "created_cohort"),
    ("average_deal_size", "default"), ("sales_cycle_length", "mean"), ("pipeline_created", "default"),
    ("renewals", "default"), ("renewals", "net"), ("renewals", "on_time"), ("renewals", "late"),
    ("upsells", "default"), ("upsells", "seats_and_tier"), ("upsells", "price_uplift"),
]  # fmt: skip
STOCKS = [
    ("annual_recurring_revenue", "default"), ("annual_recurring_revenue", "spot_currency"),
    ("customer_churn", "default"),
    ("customer_churn", "revenue_gross"), ("net_revenue_retention", "default"),
    ("gross_revenue_retention", "default"), ("gross_revenue_retention", "monthly_flow"),
]  # fmt: skip


@dataclass(frozen=True)
class Builds:
    """One company, built three times."""

    plain: Warehouse
    # its rows in another order, one thread, a machine on the other side of the world
    elsewhere: Warehouse
    earlier: Warehouse


@pytest.fixture(scope="module", params=range((EXAMPLES + TOGETHER - 1) // TOGETHER))
def builds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Builds:
    count = min(TOGETHER, EXAMPLES - request.param * TOGETHER)
    company = company_of(examples(count, seed=request.param))
    rules = {"exchange_rates": EXCHANGE_RATES}

    def folder() -> Path:
        return tmp_path_factory.mktemp("lives")

    plain = build(folder(), company, AS_OF, rules)
    earlier = build(folder(), company, EARLIER, rules)
    with _machine(TZ="Pacific/Kiritimati", REVOPS_THREADS="1"):
        elsewhere = build(folder(), shuffled(company), AS_OF, rules)
    return Builds(plain, elsewhere, earlier)


class _machine:
    """Environment variables for a while, the time zone of the process with them."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables

    def __enter__(self) -> None:
        self.before = {name: os.environ.get(name) for name in self.variables}
        os.environ.update(self.variables)
        time.tzset()

    def __exit__(self, *failure: object) -> None:
        for name, value in self.before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        time.tzset()


def _values(pairs: list[tuple[str, str]]) -> str:
    return ", ".join(f"('{kpi}', '{variant}')" for kpi, variant in pairs)


def test_the_ledger_adds_up_to_the_recurring_revenue_of_any_month(builds: Builds) -> None:
    wrong = builds.plain.rows(
        """
        select revenue.dimension_value, revenue.period_start, revenue.numerator, sum(movements.amount)
        from metrics.kpi_values as revenue
        left join metrics.arr_movements as movements
            on coalesce(movements.segment, 'unknown') = revenue.dimension_value
            and movements.occurred_on < revenue.period_end
        where revenue.kpi = 'annual_recurring_revenue' and revenue.variant = 'default'
            and revenue.grain = 'month' and revenue.dimension = 'segment'
        group by all
        having abs(revenue.numerator - coalesce(sum(movements.amount), 0)) > 0
        """
    )
    assert wrong == []


def test_a_customer_is_new_once_and_leaves_and_returns_in_turn(builds: Builds) -> None:
    lives = builds.plain.rows(
        """
        select account_id, list(movement order by occurred_on)
        from (
            select distinct account_id, occurred_on, movement from metrics.arr_movements
            where movement in ('new', 'churn', 'reactivation')
        ) group by account_id
        """
    )
    assert lives
    for account, movements in lives:
        expected = ["new", *(["churn", "reactivation"] * len(movements))][: len(movements)]
        assert movements == expected, account


def test_every_slice_adds_up_to_the_total(builds: Builds) -> None:
    wrong = builds.plain.rows(
        f"""
        with sums as (
            select kpi, variant, grain, period_start, dimension,
                sum(numerator) as numerator, coalesce(sum(denominator), 0) as denominator
            from metrics.kpi_values
            where (kpi, variant) in ({_values(FLOWS + STOCKS)})
            group by all
        )
        select parts.*, totals.numerator, totals.denominator
        from sums as parts inner join sums as totals
            on parts.kpi = totals.kpi and parts.variant = totals.variant and parts.grain = totals.grain
            and parts.period_start = totals.period_start and totals.dimension = 'all'
        where parts.numerator <> totals.numerator or parts.denominator <> totals.denominator
        """
    )
    assert wrong == []


def test_a_quarter_is_the_sum_of_its_months(builds: Builds) -> None:
    wrong = builds.plain.rows(
        f"""
        select quarters.kpi, quarters.variant, quarters.period_start, quarters.dimension,
            quarters.dimension_value,
            quarters.numerator, sum(months.numerator)
        from metrics.kpi_values as quarters
        inner join metrics.kpi_values as months
            using (kpi, variant, dimension, dimension_value)
        where (quarters.kpi, quarters.variant) in ({_values(FLOWS)})
            and quarters.grain = 'quarter' and months.grain = 'month'
            and months.period_start >= quarters.period_start and months.period_end <= quarters.period_end
        group by all
        having quarters.numerator <> sum(months.numerator)
        """
    )
    assert wrong == []


def test_what_cannot_exceed_one_does_not(builds: Builds) -> None:
    shares = [
        ("gross_revenue_retention", "default"), ("customer_churn", "default"),
        ("customer_churn", "voluntary"),
        ("renewals", "default"), ("renewals", "logo"), ("renewals", "on_time"), ("renewals", "early"),
        ("win_rate", "default"), ("win_rate", "created_cohort"), ("win_rate", "matured_cohort"),
        ("win_rate", "including_open"), ("customer_churn", "revenue_gross"),
    ]  # fmt: skip
    found = builds.plain.rows(
        f"select kpi, variant, min(value), max(value) from metrics.kpi_values"
        f" where (kpi, variant) in ({_values(shares)}) group by all"
    )
    assert len(found) == len(shares)
    assert [row for row in found if row[2] < 0 or row[3] > 1 + 1e-12] == []
    # the parts of a renewal
    wrong = builds.plain.rows(
        """
        select period_start, dimension_value from metrics.kpi_values where kpi = 'renewals'
        group by grain, period_start, dimension, dimension_value
        having sum(case variant when 'default' then numerator when 'on_time' then -numerator
            when 'late' then -numerator end) <> 0
            or sum(case variant when 'on_time' then numerator when 'early' then -numerator end) < 0
        """
    )
    assert wrong == []


def test_the_waterfall_closes(builds: Builds) -> None:
    months = builds.plain.rows(
        """
        select period_start, sum(case when bucket <> 'closing' then amount else -amount end),
            max(case when bucket = 'closing' then amount end)
        from metrics.pipeline_waterfall group by period_start order by period_start
        """
    )
    openings = builds.plain.rows(
        "select amount from metrics.pipeline_waterfall where bucket = 'opening' order by period_start"
    )
    assert [gap for _, gap, _ in months] == [0] * len(months)
    assert [closing for _, _, closing in months[:-1]] == [opening for (opening,) in openings[1:]]


def test_an_earlier_day_knows_the_beginning_of_what_a_later_day_knows(builds: Builds) -> None:
    ledger = (
        "select account_id, occurred_on, movement, reason, amount from metrics.arr_movements"
        " where occurred_on <= ? order by all"
    )
    assert builds.earlier.rows(ledger, EARLIER) == builds.plain.rows(ledger, EARLIER)
    # months that were over by then; who was opened in them does not change
    months = (
        "select kpi, variant, period_start, dimension, dimension_value, numerator from metrics.kpi_values"
        " where kpi = ? and variant = ? and grain = 'month' and period_end <= ? order by all"
    )
    for kpi, variant in [
        ("annual_recurring_revenue", "default"), ("customer_churn", "default"), ("upsells", "default"),
        ("gross_revenue_retention", "default"), ("pipeline_created", "default"),
    ]:  # fmt: skip
        before = {row[:5]: row[5] for row in builds.earlier.rows(months, kpi, variant, EARLIER)}
        after = {row[:5]: row[5] for row in builds.plain.rows(months, kpi, variant, EARLIER)}
        assert before and {key: after[key] for key in before} == before, kpi
    cohorts = months.replace("numerator from", "denominator from")
    opened = builds.earlier.rows(cohorts, "win_rate", "created_cohort", EARLIER)
    later = {row[:5]: row[5] for row in builds.plain.rows(cohorts, "win_rate", "created_cohort", EARLIER)}
    assert opened and [row for row in opened if later[row[:5]] != row[5]] == []


def test_order_of_rows_threads_and_the_clock_of_the_machine_change_nothing(builds: Builds) -> None:
    def content(warehouse: Warehouse) -> Iterator[tuple[str, object]]:
        for table, columns in {
            "metrics.kpi_values": "*",
            "metrics.arr_movements": "* exclude (source_ids)",
            "metrics.pipeline_waterfall": "*",
            "revenue.opportunity_history": "*",
        }.items():
            yield (
                table,
                warehouse.rows(
                    "select count(*), sum(cast(hash(line) as hugeint))"
                    f" from (select {columns} from {table}) as line"
                ),
            )

    assert list(content(builds.plain)) == list(content(builds.elsewhere))
