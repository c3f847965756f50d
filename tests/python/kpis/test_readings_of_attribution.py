"""contracts/readings.md on attribution: touches of any kind up to closed_at within 180 days."""

from decimal import Decimal
from typing import Any

import pytest
from kpi_cases import Case, deal, lost, rows, won

MODELS = {
    "first", "last", "linear", "time_decay", "u_shaped", "w_shaped", "full_path", "markov", "shapley",
}  # fmt: skip


def touch(name: str, at: str, channel: str | None = None, **more: object) -> dict[str, Any]:
    """A touch of the case's account."""
    return {"source_id": name, "occurred_at": at, "channel": channel, "account_source_id": "account", **more}


def credits(case: Case, model: str) -> dict[tuple[str, str], tuple[float, Decimal | None]]:
    """Credit and credited amount by deal and touch of a case, ids as the test wrote them."""
    found = case.warehouse.rows(
        "select deals.source_id, touches.source_id, credit, credited_amount from metrics.attribution"
        " join revenue.opportunities as deals using (opportunity_id) left join revenue.touches as touches"
        " using (touch_id) where model = ? and starts_with(deals.source_id, ?)",
        model,
        f"{case.name}.",
    )
    return {
        (deal_id.partition(".")[2], touch_id.partition(".")[2] if touch_id else "none"): (credit, amount)
        for deal_id, touch_id, credit, amount in found
    }


@rows(
    opportunities=[won("2026-03-31 12:00:00", amount="100", source_id="d")],
    touches=[
        touch("too_early", "2025-10-01 23:59:59"),
        touch("first_day", "2025-10-02 00:00:00"),
        touch("at_the_close", "2026-03-31 12:00:00"),
        touch("after", "2026-03-31 12:00:01"),
    ],
)
def test_touches_count_from_180_days_before_the_close_to_its_very_moment(case: Case) -> None:
    # 2 October to 31 March are 180 days
    assert credits(case, "linear") == {
        ("d", "first_day"): (0.5, Decimal(50)),
        ("d", "at_the_close"): (0.5, Decimal(50)),
    }


@rows(
    opportunities=[won("2026-03-31", amount="10", source_id="d")],
    touches=[touch("that_day", "2026-03-31 17:00:00"), touch("next_day", "2026-04-01 00:00:00")],
)
def test_a_close_without_a_time_of_day_takes_in_the_touches_of_that_day(case: Case) -> None:
    assert credits(case, "last") == {("d", "that_day"): (1.0, Decimal(10))}


@rows(
    opportunities=[
        won("2026-03-31", opened="2026-02-01", amount="100", source_id="d"),
        deal("Fresh", opened="2026-02-01", source_id="other", amount="5"),
    ],
    touches=[
        touch("ad", "2026-01-01", "search"),
        touch("own", "2026-03-01", "call", opportunity_source_id="d"),
        touch("others", "2026-03-02", "call", opportunity_source_id="other"),
    ],
)
def test_a_touch_logged_on_another_deal_is_not_shared(case: Case) -> None:
    assert credits(case, "linear").keys() == {("d", "ad"), ("d", "own")}


@rows(opportunities=[won("2026-03-31", amount="100", source_id="d"), lost("2026-03-31", source_id="x")])
def test_a_won_deal_that_nobody_touched_is_unknown_and_not_dropped(case: Case) -> None:
    for model in MODELS:
        assert credits(case, model) == {("d", "none"): (1.0, Decimal(100))}


@rows(
    opportunities=[
        won("2026-03-31", amount="100", source_id="d"),
        won("2026-03-31", amount=None, source_id="no_amount"),
    ],
    touches=[touch("a", "2026-03-01"), touch("b", "2026-03-02"), touch("c", "2026-03-03")],
)
def test_credits_add_up_to_one_and_amounts_to_the_amount_for_every_model(case: Case) -> None:
    for model in MODELS:
        found = credits(case, model)
        for name, amount in (("d", Decimal(100)), ("no_amount", None)):
            own = [value for (deal_id, _), value in found.items() if deal_id == name]
            assert sum(credit for credit, _ in own) == pytest.approx(1, abs=1e-9)
            parts = [part for _, part in own]
            assert (sum(parts) if None not in parts else None) == amount
    # a third each, and the millionth that is left goes to the first
    assert sorted(part for (name, _), (_, part) in credits(case, "linear").items() if name == "d") == [
        Decimal("33.333333"),
        Decimal("33.333333"),
        Decimal("33.333334"),
    ]


@rows(
    people=[
        {"source_id": "p", "kind": "lead", "created_at": "2026-01-15", "account_source_id": "account"},
    ],
    opportunities=[
        won("2026-03-31", opened="2026-02-15", amount="1000", source_id="d", person_source_id="p")
    ],
    touches=[
        touch("found", "2026-01-01"),
        touch("lead", "2026-01-14"),
        touch("between", "2026-02-01"),
        touch("opened", "2026-02-14", person_source_id="p", account_source_id=None),
        touch("late", "2026-03-01"),
        touch("last", "2026-03-30"),
    ],
)
def test_the_lead_and_the_opening_of_the_deal_are_the_last_touch_before_them(case: Case) -> None:
    w_shaped = {name: credit for (_, name), (credit, _) in credits(case, "w_shaped").items()}
    assert w_shaped == pytest.approx(
        {"found": 0.3, "lead": 0.3, "opened": 0.3, "between": 0.1 / 3, "late": 0.1 / 3, "last": 0.1 / 3}
    )
    full_path = {name: credit for (_, name), (credit, _) in credits(case, "full_path").items()}
    assert full_path == pytest.approx(
        {"found": 0.225, "lead": 0.225, "opened": 0.225, "last": 0.225, "between": 0.05, "late": 0.05}
    )
