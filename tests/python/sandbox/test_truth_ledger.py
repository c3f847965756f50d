"""The ledger of the truth, against figures worked out by hand and against its identity."""

import itertools
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from handmade import company, period, world

from sandbox.records import Period
from sandbox.truth import movements
from sandbox.truth.ledger import Ledger
from sandbox.world import World

ACME = company("Acme")
END = date(2024, 12, 31)


def told(*periods: Period, until: date = END) -> list[tuple[str, str, str | None, Fraction]]:
    """Day, class, reason and amount of every movement, in order."""
    found = movements(world(until, periods=list(periods)), until)
    return [(f"{m.occurred_on:%m-%d}", m.movement, m.reason, m.amount) for m in found]


def test_a_customer_comes_grows_leaves_and_returns() -> None:
    assert told(
        period(ACME, date(2024, 2, 10), date(2024, 3, 10), reason="signup"),
        period(ACME, date(2024, 3, 10), date(2024, 5, 10), reason="seats", amount=Decimal(150)),
        period(ACME, date(2024, 5, 10), status="canceled", reason="cancellation_voluntary"),
        period(ACME, date(2024, 7, 1), subscription_id="S2", amount=Decimal(50), reason="signup"),
    ) == [
        ("02-10", "new", "signup", 1200),
        ("03-10", "expansion", "seats", 600),
        ("05-10", "churn", "cancellation_voluntary", -1800),
        ("07-01", "reactivation", "signup", 600),
    ]


def test_an_end_without_a_row_that_says_why_has_no_reason() -> None:
    assert told(period(ACME, date(2024, 2, 10), date(2024, 3, 10)))[-1] == ("03-10", "churn", None, -1200)


def test_a_pause_with_an_end_keeps_the_customer() -> None:
    rows = [
        period(ACME, date(2024, 1, 5), date(2024, 3, 1), reason="signup"),
        period(ACME, date(2024, 3, 1), date(2024, 4, 1), status="paused", reason="pause"),
        period(ACME, date(2024, 4, 1), reason="resume"),
    ]
    assert told(*rows)[1:] == [
        ("03-01", "contraction", "pause", -1200),
        ("04-01", "expansion", "resume", 1200),
    ]
    ledger = Ledger(world(END, periods=rows), END)
    assert ledger.state("Acme", date(2024, 3, 15)).is_customer
    assert not ledger.state("Acme", date(2024, 1, 4)).is_customer


def test_a_pause_that_ends_without_a_return_is_churn_of_nothing() -> None:
    assert told(
        period(ACME, date(2024, 1, 5), date(2024, 3, 1)),
        period(ACME, date(2024, 3, 1), date(2024, 4, 1), status="paused", reason="pause"),
        period(ACME, date(2024, 4, 1), status="canceled", reason="cancellation_voluntary"),
        period(ACME, date(2024, 4, 5), subscription_id="S2"),
    )[1:] == [
        ("03-01", "contraction", "pause", -1200),
        ("04-01", "churn", "cancellation_voluntary", 0),
        ("04-05", "reactivation", None, 1200),
    ]


def test_a_pause_without_an_end_is_churn() -> None:
    assert told(
        period(ACME, date(2024, 1, 5), date(2024, 3, 1)),
        period(ACME, date(2024, 3, 1), status="paused", reason="pause"),
        period(ACME, date(2024, 6, 1), subscription_id="S2", reason="signup"),
    )[1:] == [("03-01", "churn", "pause", -1200), ("06-01", "reactivation", "signup", 1200)]


def test_opposite_changes_of_a_day_net_out_from_the_largest_first() -> None:
    def pair(subscription: str, before: int, after: int, reason: str) -> list[Period]:
        return [
            period(
                ACME, date(2024, 1, 5), date(2024, 3, 1), subscription_id=subscription, amount=Decimal(before)
            ),
            period(
                ACME, date(2024, 3, 1), subscription_id=subscription, amount=Decimal(after), reason=reason
            ),
        ]

    rows = [*pair("S1", 100, 200, "seats"), *pair("S2", 500, 200, "tier"), *pair("S3", 80, 30, "other")]
    assert told(*rows)[3:] == [
        ("03-01", "contraction", "tier", -200 * 12),
        ("03-01", "contraction", "other", -50 * 12),
    ]


def test_a_swap_of_equal_worth_is_no_movement() -> None:
    rows = [
        period(ACME, date(2024, 1, 5), date(2024, 3, 1)),
        period(ACME, date(2024, 3, 1), subscription_id="S2"),
    ]
    assert len(told(*rows)) == 1


def test_a_percentage_comes_off_before_an_amount_and_their_end_is_an_expansion() -> None:
    discounted = period(
        ACME,
        date(2024, 1, 5),
        discount_percent=Decimal("0.1"),
        discount_amount=Decimal(5),
        discount_ends_on=date(2024, 4, 5),
        reason="signup",
    )
    assert told(discounted) == [
        ("01-05", "new", "signup", 85 * 12),
        ("04-05", "expansion", "discount", 15 * 12),
    ]


def test_a_free_start_is_new_when_the_first_money_is_due() -> None:
    free = period(ACME, date(2024, 1, 5), discount_percent=Decimal(1), discount_ends_on=date(2024, 3, 5))
    assert told(free) == [("03-05", "new", "discount", 1200)]


def test_a_change_of_rate_is_a_currency_movement_and_nothing_else() -> None:
    euro = period(ACME, date(2024, 12, 15), currency="EUR")
    assert told(euro, until=date(2025, 1, 31)) == [
        ("12-15", "new", None, Fraction("1296")),  # planned for 2024: 1.08
        ("01-01", "currency", None, Fraction("-24")),  # planned for 2025: 1.06
    ]
    pound = period(ACME, date(2024, 1, 15), currency="GBP")
    assert told(pound, until=date(2024, 2, 29)) == [
        ("01-15", "new", None, 1200 * Fraction("1.2720")),
        ("02-01", "currency", None, 1200 * (Fraction("1.2705") - Fraction("1.2720"))),
    ]


def test_what_is_no_recurring_revenue_moves_nothing() -> None:
    assert (
        told(
            period(ACME, date(2024, 1, 5), kind="trial", status="trialing"),
            period(ACME, date(2024, 1, 5), kind="metered"),
            period(ACME, date(2024, 1, 5), amount=Decimal(-100)),
            period(ACME, date(2024, 1, 5), amount=Decimal(0)),
            period(ACME, date(2024, 1, 5), date(2024, 1, 5)),
            period(ACME, date(2024, 1, 5), status="unpaid"),
            period(ACME, date(2024, 1, 5), deleted_at=period(ACME, END).created_at or ACME.known_from),
            period(ACME, END + timedelta(days=1)),
        )
        == []
    )


def test_a_past_due_customer_pays_and_an_unpaid_one_does_not() -> None:
    assert told(
        period(ACME, date(2024, 1, 5), date(2024, 3, 1)),
        period(ACME, date(2024, 3, 1), date(2024, 3, 20), status="past_due", reason="other"),
        period(ACME, date(2024, 3, 20), status="unpaid", reason="cancellation_involuntary"),
    )[1:] == [("03-20", "churn", "cancellation_involuntary", -1200)]


def test_years_quarters_weeks_and_days_are_annualised_by_constants() -> None:
    for interval, count, factor in (("year", 2, 0.5), ("quarter", 1, 4), ("week", 1, 52), ("day", 1, 365)):
        rows = [period(ACME, date(2024, 1, 5), interval=interval, interval_count=count)]
        assert told(*rows) == [("01-05", "new", None, Fraction(factor) * 100)]


def test_movements_add_up_to_the_recurring_revenue_of_every_customer_on_any_day(small_world: World) -> None:
    ledger = Ledger(small_world, small_world.until)
    sums: dict[str, Fraction] = {}
    checked = 0
    for movement in sorted(ledger.movements, key=lambda m: m.occurred_on):
        sums[movement.company_id] = sums.get(movement.company_id, Fraction(0)) + movement.amount
    for company_id, total in sums.items():
        assert total == ledger.recurring(company_id, small_world.until)
    for day in (date(2024, 9, 30), date(2025, 1, 1), date(2025, 6, 17), date(2026, 2, 28)):
        for company_id in ledger.companies:
            mine = [m.amount for m in ledger.movements if m.company_id == company_id and m.occurred_on <= day]
            assert sum(mine, Fraction(0)) == ledger.recurring(company_id, day)
            checked += bool(mine)
    assert checked > 100


def test_classes_of_movement_have_their_sign(small_world: World) -> None:
    signs = {"new": 1, "reactivation": 1, "expansion": 1, "contraction": -1}
    found = movements(small_world, small_world.until)
    assert {m.movement for m in found} == {*signs, "churn", "currency"}
    assert all(m.amount * signs[m.movement] > 0 for m in found if m.movement in signs)
    assert all(m.amount <= 0 for m in found if m.movement == "churn")


def test_a_customer_is_new_once_and_leaves_no_more_often_than_it_came(small_world: World) -> None:
    stories: dict[str, list[str]] = {}
    for movement in sorted(movements(small_world, small_world.until), key=lambda m: m.occurred_on):
        days = stories.setdefault(movement.company_id, [])
        if movement.movement in ("new", "churn", "reactivation"):
            story = f"{movement.occurred_on} {movement.movement}"
            if story not in days:
                days.append(story)
    for days in stories.values():
        kinds = [day.split()[1] for day in days]
        assert kinds[0] == "new" and kinds.count("new") == 1
        assert all(a != b for a, b in itertools.pairwise(kinds))
