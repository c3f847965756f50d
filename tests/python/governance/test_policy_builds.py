"""One company under the policies of billing tools, by hand and through the whole pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_business import configure, publish, published, write_source

from orchestration.errors import ConfigurationError
from orchestration.kpi import KpiQuery
from orchestration.policy_builds import Comparison, compare, private_build, values_under
from orchestration.settings import Settings

pytestmark = pytest.mark.slow

ITEM = {
    "account_source_id": "a1",
    "product": "Suite",
    "plan": "Basic",
    "kind": "recurring",
    "status": "active",
    "currency_code": "USD",
    "interval": "month",
    "discount_percent": "",
    "discount_ends_on": "",
    "starts_on": "2026-01-01",
    "ends_on": "",
    "change_reason": "",
}


def _item(name: str, amount: float, **columns: Any) -> dict[str, Any]:
    """A monthly subscription item of its own subscription and customer, unless `columns` say otherwise."""
    return {
        "source_id": name,
        "subscription_id": name,
        "amount": amount,
        **ITEM,
        "account_source_id": f"account of {name}",
        **columns,
    }


ITEMS = [
    # Stripe's examples
    _item("finite_coupon", 100, discount_percent=0.5, discount_ends_on="2026-08-01", starts_on="2026-05-01"),
    _item("forever_coupon", 100, discount_percent=0.5),
    _item("trialing", 100, kind="trial", status="trialing"),
    _item("metered", 500, kind="metered"),
    _item("past_due", 40, status="past_due", starts_on="2026-06-01"),
    _item("unpaid", 70, status="unpaid"),
    # a pause without an end, notice before the end of service, euros above their plan rate
    _item("before_pause", 30, subscription_id="p", account_source_id="p", ends_on="2026-04-01"),
    _item("pause", 30, subscription_id="p", account_source_id="p", starts_on="2026-04-01", status="paused"),
    _item("leaving", 20, subscription_id="c", account_source_id="c", ends_on="2026-12-31"),
    _item(
        "notice",
        0,
        subscription_id="c",
        account_source_id="c",
        status="canceled",
        starts_on="2026-06-10",
        ends_on="2026-12-31",
        change_reason="cancellation_voluntary",
    ),
    _item("euros", 10, currency_code="EUR"),
    # gone for 31 days and for 122 days
    _item("left_31", 1, subscription_id="s1", account_source_id="s1", ends_on="2026-02-01"),
    _item("back_31", 1, subscription_id="s2", account_source_id="s1", starts_on="2026-03-04"),
    _item("left_122", 2, subscription_id="l1", account_source_id="l1", ends_on="2026-02-01"),
    _item("back_122", 2, subscription_id="l2", account_source_id="l1", starts_on="2026-06-03"),
]
RATES = [
    {"from_currency": "EUR", "to_currency": "USD", "valid_from": day, "rate": rate, "kind": kind}
    for day, rate, kind in (
        ("2026-01-01", "1.1", "plan"),
        ("2026-01-01", "1.2", "spot"),
        ("2026-06-01", "1.3", "spot"),
    )
]
# active at the end of June: 50 + 50 + 40 + 20 + 10 × 1.1 + 1 + 2
OURS = Decimal(174)


@dataclass(frozen=True)
class Billing:
    """The company as published."""

    settings: Settings
    home: Path

    def mrr(self, policy: str) -> Decimal:
        columns, rows = values_under(
            self.home, self.settings, KpiQuery("monthly_recurring_revenue", since=date(2026, 6, 1)), policy
        )
        (row,) = [dict(zip(columns, each, strict=True)) for each in rows]
        return Decimal(repr(row["value"]))

    def compare(self, kpi: str, policy: str, **query: Any) -> list[Comparison]:
        return compare(self.home, self.settings, KpiQuery(kpi, **query), policy)


@pytest.fixture(scope="module")
def billing(tmp_path_factory: pytest.TempPathFactory) -> Billing:
    root = tmp_path_factory.mktemp("billing")
    names = sorted({item["account_source_id"] for item in ITEMS})
    write_source(
        root,
        accounts=[
            {"source_id": name, "name": f"Company {name}", "tax_id": f"T{n}"} for n, name in enumerate(names)
        ],
        subscription_periods=ITEMS,
    )
    write_source(root, "rules", exchange_rates=RATES)
    settings = configure(root)
    publish(settings, root / "home", date(2026, 6, 30))
    return Billing(settings, root / "home")


@pytest.fixture(scope="module")
def stripe(billing: Billing) -> Comparison:
    (found,) = billing.compare("monthly_recurring_revenue", "stripe")
    return found


def _golden(shared: Path, name: str) -> dict[str, Any]:
    document = yaml.safe_load((shared / "golden" / "metrics.yaml").read_text(encoding="utf-8"))
    return next(example for example in document["examples"] if example["id"] == name)


def test_our_own_policy_is_the_published_value(billing: Billing) -> None:
    query = (
        "select numerator from metrics.kpi_values where kpi = 'monthly_recurring_revenue'"
        " and grain = 'month' and period_start = date '2026-06-01' and dimension = 'all'"
    )
    assert published(billing.home, query) == [(OURS,)]


def test_a_finite_coupon_counts_for_profitwell_and_not_for_stripe(
    billing: Billing, stripe: Comparison, shared: Path
) -> None:
    expected = _golden(shared, "stripe_coupon_finite")["expected"]
    discounts = next(line for line in stripe.lines if line.setting == "discounts")

    assert discounts.difference == expected["mrr_policy_stripe"] - expected["mrr_policy_profitwell"]
    (period,) = discounts.periods
    assert period.source_id == "finite_coupon"
    assert (period.ours / 12, period.theirs / 12) == (
        expected["mrr_policy_profitwell"],
        expected["mrr_policy_stripe"],
    )


def test_stripe_leaves_out_trials_metered_and_unpaid_items(billing: Billing) -> None:
    # 100 + 50 + 40 + 0 for the one that gave notice + 10 × 1.3 + 1 + 2
    assert billing.mrr("stripe") == 206


def test_profitwell_counts_metered_items(billing: Billing) -> None:
    assert billing.mrr("profitwell") == OURS + 500


def test_maxio_keeps_a_paused_item_and_ends_one_at_its_notice(billing: Billing) -> None:
    assert billing.mrr("maxio") == OURS + 30 - 20


def test_the_lines_add_up_to_the_difference_exactly(stripe: Comparison) -> None:
    assert (stripe.ours, stripe.theirs) == (174, 206)
    assert {line.setting: line.difference for line in stripe.lines} == {
        "discounts": 50,
        "churn_date": -20,
        "currency": 2,
    }
    assert sum(line.difference for line in stripe.lines if line.difference) == stripe.difference


def test_each_line_names_the_periods_that_are_valued_differently(stripe: Comparison) -> None:
    assert {line.setting: [each.source_id for each in line.periods] for line in stripe.lines} == {
        "discounts": ["finite_coupon"],
        "churn_date": ["leaving"],
        "currency": ["euros"],
    }
    for line in stripe.lines:
        assert sum(each.theirs - each.ours for each in line.periods) == 12 * (line.difference or 0)


def test_the_slices_add_up_to_the_same_lines(billing: Billing, stripe: Comparison) -> None:
    slices = billing.compare("monthly_recurring_revenue", "stripe", dimension="product")

    assert sum(each.difference or 0 for each in slices) == stripe.difference


def test_a_long_absence_makes_a_customer_new_for_maxio(billing: Billing) -> None:
    with private_build(billing.home, billing.settings, "upsells") as build:
        movements = _movements(build, {})
        assert movements("s1") == movements("l1") == ["new", "churn", "reactivation"]
        movements = _movements(build, {"recurring_revenue": {"reactivation_max_gap_days": "90"}})
        assert movements("s1") == ["new", "churn", "reactivation"]
        assert movements("l1") == ["new", "churn", "new"]


def _movements(build: Any, said: dict[str, dict[str, str]]) -> Callable[[str], list[str]]:
    import duckdb

    build.build(said)

    def of(account: str) -> list[str]:
        with duckdb.connect(str(build.file), read_only=True) as con:
            rows = con.execute(
                "select movement from metrics.arr_movements join identity.account_members using (account_id)"
                " where source_id = ? order by occurred_on",
                [account],
            ).fetchall()
        return [row[0] for row in rows]

    return of


def test_a_past_due_item_stops_counting_after_the_days_of_the_policy(billing: Billing) -> None:
    with private_build(billing.home, billing.settings, "monthly_recurring_revenue") as build:
        for days, expected in (("29", OURS - 40), ("30", OURS), ("0", OURS - 40)):
            build.build({"recurring_revenue": {"past_due_max_days": days}}, since="subscription_periods")
            columns, rows = build.values(KpiQuery("monthly_recurring_revenue", since=date(2026, 6, 1)))
            assert rows[0][list(columns).index("value")] == expected, days


def test_a_kpi_without_recurring_revenue_has_no_other_policy(billing: Billing) -> None:
    with pytest.raises(ConfigurationError, match="win_rate does not rest on subscription periods"):
        values_under(billing.home, billing.settings, KpiQuery("win_rate"), "stripe")


def test_a_kpi_is_computed_as_of_another_day_from_what_was_known_at_another_time(billing: Billing) -> None:
    # at the end of March: 50 + 30, not paused yet, + 20 + 10 × 1.1 + 1; months after it have no row
    def months(**asked: Any) -> dict[date, float]:
        query = KpiQuery("monthly_recurring_revenue", since=date(2026, 2, 1))
        columns, rows = values_under(billing.home, billing.settings, query, None, **asked)
        return {row[columns.index("period_start")]: row[columns.index("value")] for row in rows}

    assert months(as_of=date(2026, 3, 31)) == {date(2026, 2, 1): 111, date(2026, 3, 1): 112}
    # before anything was loaded nothing was known
    assert set(months(known_at=datetime(2020, 1, 1)).values()) <= {0, None}
