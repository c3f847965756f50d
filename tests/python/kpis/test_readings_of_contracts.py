"""contracts/readings.md on renewals, numbers worked out in the comments. The as-of day is 30 June 2026."""

import pytest
from kpi_cases import EARLIER, Case, rows
from kpi_warehouse import Row


def contract(name: str, due: str | None, amount: float = 100, **more: object) -> Row:
    """A contract whose term ends on a day."""
    return {
        "source_id": name,
        "term_starts_on": "2025-01-01",
        "term_ends_on": due,
        "annual_recurring_amount": amount,
        **more,
    }


def successor(name: str, signed: str | None, amount: float = 100, **more: object) -> Row:
    """A contract that renews another."""
    return {
        "renews_source_id": name,
        "signed_at": signed,
        "term_starts_on": "2026-06-30",
        "annual_recurring_amount": amount,
        **more,
    }


@rows(
    contracts=[
        contract("more", "2026-03-31"),
        successor("more", "2026-03-31 23:59:59", 130),
        contract("less", "2026-03-01"),
        successor("less", "2026-03-01 09:00", 70),
        contract("two", "2026-03-10"),
        successor("two", "2026-03-10", 60),
        successor("two", "2026-03-11", 60),
        contract("gone", "2026-03-20", status="lapsed"),
        # month to month: never due
        contract("endless", None),
    ]
)
def test_what_is_renewed_is_added_over_successors_and_capped_at_the_base(case: Case) -> None:
    # of 400 due: 100 of 130, 70, 100 of 60 + 60, nothing
    found = case.kpi("renewals", grain="month", start="2026-03")
    assert (found.numerator, found.denominator, found.value) == (270, 400, 0.675)
    assert case.kpi("renewals", "net", "month", "2026-03").numerator == 130 + 70 + 120
    # 100 of 130, 70 and 60 were signed by the due day, 40 more the day after
    assert case.kpi("renewals", "on_time", "month", "2026-03").numerator == 230
    assert case.kpi("renewals", "late", "month", "2026-03").numerator == 40


@rows(
    accounts=[{"source_id": name} for name in ("a", "b", "c", "d", "e")],
    contracts=[
        contract("early", "2026-03-31", account_source_id="a"),
        successor("early", "2026-02-28", account_source_id="a"),  # 31 days before
        contract("on_time", "2026-03-31", account_source_id="b"),
        successor("on_time", "2026-03-01", account_source_id="b"),  # 30 days before
        contract("day_90", "2026-03-31", account_source_id="c"),
        successor("day_90", "2026-06-29", account_source_id="c"),
        contract("day_91", "2026-03-31", account_source_id="d"),
        successor("day_91", "2026-06-30", account_source_id="d"),
        # the same customer, another contract
        contract("lost", "2026-03-15", account_source_id="a", status="canceled"),
        contract("undecided", "2026-06-30", account_source_id="e"),
    ],
)
def test_early_on_time_and_late_are_counted_from_the_due_day(case: Case) -> None:
    expected = {"default": 300, "on_time": 200, "early": 100, "late": 100}
    for variant, amount in expected.items():
        found = case.kpi("renewals", variant, "month", "2026-03")
        assert (found.numerator, found.denominator) == (amount, 500), variant
    # a, b and c of a, b, c and d: who renewed one of two contracts renewed
    assert case.kpi("renewals", "logo", "month", "2026-03").value == 0.75
    # due on the as-of day: due, and undecided
    assert case.kpi("renewals", grain="month", start="2026-06").null_reason == "no_denominator"
    # at the end of March c and d are undecided: no rate is dragged down by them
    march = case.as_of(EARLIER).kpi("renewals", grain="month", start="2026-03")
    assert (march.numerator, march.denominator, march.value) == (200, 300, pytest.approx(2 / 3))


@rows(
    contracts=[
        # the last day of the grace is the as-of day, counted in full: over
        contract("over", "2026-04-01"),
        # one day left; given up before the grace ended
        contract("open", "2026-04-02", 300),
        contract("given_up", "2026-04-02", 50, status="lapsed"),
        # signed and not started; neither signed nor started
        contract("signed", "2026-04-03", 20),
        successor("signed", "2026-06-30", 20, status="pending", term_starts_on="2026-07-15"),
        contract("drafted", "2026-04-03", 700),
        successor("drafted", None, 700, status="pending", term_starts_on="2026-04-03"),
        # tomorrow
        contract("not_due", "2026-07-01", 9000),
        # signed after the as-of day: not there
        contract("unknown", "2026-04-04", 1000),
        successor("unknown", "2026-07-01", 1000),
        contract("negative", "2026-04-04", -5),
    ]
)
def test_what_is_undecided_is_in_neither_numerator_nor_denominator(case: Case) -> None:
    # decided: 100 lost, 50 given up, 20 renewed
    found = case.kpi("renewals", grain="month", start="2026-04")
    assert (found.numerator, found.denominator, found.n) == (20, 170, 3)
    reported = "select failing_rows from operations.data_quality where test = 'negative_contract_amount:crm'"
    assert case.warehouse.rows(reported) == [(1,)]


@rows(
    contracts=[
        # due in EUR at the plan rate 1.2: as much in EUR as before is all of it, whatever the rate was when
        # it was signed
        contract("foreign", "2026-04-30", currency_code="EUR"),
        successor("foreign", "2025-12-31", currency_code="EUR"),
    ]
)
def test_a_change_of_rate_is_no_uplift_of_a_renewal(case: Case) -> None:
    found = case.kpi("renewals", "net", "month", "2026-04")
    assert (found.numerator, found.denominator) == (120, 120)
    assert case.kpi("renewals", "early", "month", "2026-04").value == 1
