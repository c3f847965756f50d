"""The world depends on its seed, scale and plants only, and on the past only."""

import itertools
from datetime import date, datetime, timedelta

import pytest
from chronicle import WRITTEN_ON, WRITTEN_ONCE, chronicle, plain

from sandbox.world import World

DAY = date(2025, 3, 9)


@pytest.fixture(scope="module")
def shorter() -> World:
    return World(DAY, seed=11, scale=0.3)


@pytest.fixture(scope="module")
def longer() -> World:
    return World(DAY + timedelta(days=30), seed=11, scale=0.3)


def test_two_lives_of_one_seed_are_equal(longer: World) -> None:
    again = World(DAY + timedelta(days=30), seed=11, scale=0.3)
    assert chronicle(again) == chronicle(longer)


def test_another_seed_is_another_life(longer: World) -> None:
    other = World(DAY + timedelta(days=30), seed=12, scale=0.3)
    assert [plain(d) for d in other.deals] != [plain(d) for d in longer.deals]


@pytest.mark.parametrize("name", WRITTEN_ONCE)
def test_what_happened_by_a_day_is_the_beginning_of_what_happened_later(
    shorter: World, longer: World, name: str
) -> None:
    before = [plain(record) for record in getattr(shorter, name)]
    after = [plain(record) for record in getattr(longer, name)]
    assert before and after[: len(before)] == before


@pytest.mark.parametrize("name", WRITTEN_ON)
def test_records_that_go_on_changing_keep_their_place_and_their_birth(
    shorter: World, longer: World, name: str
) -> None:
    def births(world: World) -> list[object]:
        return [
            (r.id, getattr(r, "created_at", None) or getattr(r, "opened_at", None))
            for r in getattr(world, name)
        ]

    before, after = births(shorter), births(longer)
    assert before and after[: len(before)] == before


def test_the_history_of_a_deal_only_grows(shorter: World, longer: World) -> None:
    for early, late in zip(shorter.deals, longer.deals, strict=False):
        seen = [plain(change) for change in early.changes]
        assert [plain(change) for change in late.changes][: len(seen)] == seen


def test_living_on_equals_having_lived_so_long(longer: World) -> None:
    world = World(DAY, seed=11, scale=0.3)
    world.advance(30)
    assert chronicle(world) == chronicle(longer)


def test_years_stop_a_life_before_its_last_day() -> None:
    assert World(date(2026, 1, 1), scale=0.05, years=1).until == date(2024, 12, 31)
    assert World(date(2024, 2, 1), scale=0.05, years=1).until == date(2024, 2, 1)


def test_there_is_no_life_before_the_first_day() -> None:
    assert World(date(2024, 1, 1), scale=0.05).until == date(2024, 1, 1)
    with pytest.raises(ValueError, match="begins on 2024-01-01"):
        World(date(2023, 12, 31))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_seeds_live_as_well(seed: int) -> None:
    world = World(date(2026, 1, 31), seed=seed, scale=0.5)
    won = [d for d in world.deals if d.stage == "won"]
    assert len(won) > 100
    assert all(d.amount is not None and d.amount >= 0 for d in won)
    assert {s.state for s in world.subscriptions} >= {"active", "ended"}


def test_nothing_is_dated_after_the_last_day(small_world: World) -> None:
    end = datetime.combine(small_world.until + timedelta(days=1), datetime.min.time())
    moments = [t.at for t in small_world.touches] + [s.at for s in small_world.funnel]
    moments += [c.at for d in small_world.deals for c in d.changes] + [d.opened_at for d in small_world.deals]
    moments += [p.created_at for p in small_world.periods] + [p.updated_at for p in small_world.periods]
    moments += [t.updated_at for t in small_world.tickets] + [s.answered_at for s in small_world.surveys]
    moments += [t.updated_at for t in small_world.tasks] + [c.signed_at for c in small_world.contracts]
    moments += [i.updated_at for i in small_world.invoices] + [p.created_at for p in small_world.people]
    assert max(moments) < end


def test_changes_of_a_deal_are_in_order_and_end_in_its_state(small_world: World) -> None:
    for deal in small_world.deals:
        moments = [deal.opened_at, *(change.at for change in deal.changes)]
        assert moments == sorted(moments)
        for field in ("stage", "amount", "owner", "expected_close_on"):
            mine = [change for change in deal.changes if change.field == field]
            assert not mine or mine[-1].new == getattr(deal, field)
            for earlier, later in itertools.pairwise(mine):
                assert earlier.new == later.old


def test_periods_of_an_item_never_overlap(small_world: World) -> None:
    items: dict[tuple[str, str], list[tuple[date, date]]] = {}
    for period in small_world.periods:
        if period.kind == "recurring" and period.deleted_at is None and period.amount >= 0:
            end = period.ends_on or date.max
            if end > period.starts_on:
                items.setdefault((period.subscription_id, period.product), []).append((period.starts_on, end))
    for stretches in items.values():
        stretches.sort()
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(stretches))
