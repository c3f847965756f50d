"""What happened agrees with the rules it happened by, and the hard cases are among it."""

import itertools
from collections import Counter
from datetime import date, time, timedelta
from statistics import median

from sandbox import rules
from sandbox.records import Company, Period, Subscription
from sandbox.subscriptions import is_under_term
from sandbox.world import World


def _days(period: Period, until: date) -> int:
    return max(0, (min(period.ends_on or until, until) - period.starts_on).days)


def _free(world: World) -> dict[str, Subscription]:
    """Month-to-month subscriptions of customers that have no other."""
    return {
        s.id: s for s in world.subscriptions if not is_under_term(s) and len(s.company.subscriptions) == 1
    }


def _running(world: World) -> list[Period]:
    free = _free(world)
    return [
        p
        for p in world.periods
        if p.subscription_id in free and (p.product, p.kind, p.status) == ("Core", "recurring", "active")
    ]


def _agrees(observed: int, expected: float) -> bool:
    """Within four and a half standard deviations of a count."""
    return abs(observed - expected) <= 4.5 * max(1.0, expected) ** 0.5


def test_the_company_has_the_size_it_should(world: World) -> None:
    known = [c for c in world.companies if c.known_from is not None]
    customers = {p.company.id for p in world.periods if p.kind == "recurring"}
    assert 520 <= len(known) <= 700
    assert 1900 <= len(world.people) <= 3000
    assert 1200 <= len(world.deals) <= 1800
    assert 200 <= len(customers) <= 320
    assert 20_000 <= len(world.touches) <= 40_000


def test_seats_change_at_their_hazard(world: World) -> None:
    exposure = sum(_days(p, world.until) for p in _running(world)) / 365
    rows = {(p.subscription_id, p.starts_on): p for p in _running(world)}
    before = {(p.subscription_id, p.ends_on): p for p in _running(world) if p.ends_on}
    pairs = [(before[key], row) for key, row in rows.items() if row.reason == "seats" and key in before]
    ups = sum(1 for old, new in pairs if new.quantity > old.quantity)
    assert exposure > 60
    assert _agrees(ups, exposure * rules.SEATS_UP_PER_YEAR)
    assert _agrees(len(pairs) - ups, exposure * rules.SEATS_DOWN_PER_YEAR)


def test_customers_pause_at_their_hazard(world: World) -> None:
    expected = sum(
        _days(p, world.until) / 365 * rules.PAUSES_PER_YEAR[p.company.segment] for p in _running(world)
    )
    free = _free(world)
    pauses = {p.id for p in world.periods if p.status == "paused" and p.product == "Core"}
    observed = sum(1 for p in world.periods if p.id in pauses and p.subscription_id in free)
    assert _agrees(observed, expected)


def test_customers_leave_at_their_hazard(world: World) -> None:
    expected = sum(
        _days(p, world.until) / 365 * rules.VOLUNTARY_CHURN_PER_YEAR[p.company.segment] * p.company.mood
        for p in _running(world)
    )
    free = _free(world)
    ended = [s for s in free.values() if s.state in ("ending", "ended")]
    involuntary = {p.subscription_id for p in world.periods if p.status == "unpaid"}
    paused = {p.subscription_id for p in world.periods if p.status == "paused"}
    observed = sum(1 for s in ended if s.id not in involuntary | paused)
    assert _agrees(observed, expected)


def test_renewals_end_as_the_rules_say(world: World) -> None:
    settled = [d for d in world.deals if d.kind == "renewal" and not d.is_open and d.deleted_at is None]
    won = sum(1 for d in settled if d.stage == "won")
    expected = 0.0
    for deal in settled:
        outcomes = rules.RENEWAL_OUTCOME[deal.company.segment]
        expected += 1 - outcomes["lapsed"] - outcomes["silent"]
    assert len(settled) > 80
    assert abs(won - expected) <= 4.5 * (0.12 * len(settled)) ** 0.5


def test_stages_take_the_time_they_take(untroubled_world: World) -> None:
    for segment, factor in rules.DWELL_FACTOR.items():
        dwell = _dwell(untroubled_world, segment, "proposal")
        assert 0.75 * rules.DWELL_DAYS["proposal"] * factor <= median(dwell)
        assert median(dwell) <= 1.35 * rules.DWELL_DAYS["proposal"] * factor + 1


def _dwell(world: World, segment: str, stage: str, since: date = date.min) -> list[int]:
    """Days that first deals of a segment stayed in a stage they entered on or after `since`."""
    days = []
    for deal in world.deals:
        if deal.kind != "new_business" or deal.company.segment != segment:
            continue
        moves = [c for c in deal.changes if c.field == "stage"]
        for entered, left in itertools.pairwise(moves):
            if entered.new == stage and entered.at.date() >= since:
                days.append((left.at.date() - entered.at.date()).days)
    return days


def test_campaigns_with_lift_move_people_and_those_without_do_not(world: World) -> None:
    assert 1.5 <= _effect(world, "webinar") <= 3.0
    assert 0.75 <= _effect(world, "display") <= 1.3


def _effect(world: World, channel: str) -> float:
    """Inquiries per company reached over those per company not reached, while campaigns of a channel ran."""
    counts: Counter[bool] = Counter()
    companies: Counter[bool] = Counter()
    forms = [(t.at.date(), t.company) for t in world.touches if t.kind == "form_fill"]
    for campaign in [c for c in world.campaigns if c.channel == channel]:
        for company in world.companies:
            if company.enters_on <= campaign.starts_on:
                companies[company.id in campaign.reached] += 1
        for day, company in forms:
            in_time = campaign.starts_on <= day <= campaign.ends_on
            if in_time and company is not None and company.enters_on <= campaign.starts_on:
                counts[company.id in campaign.reached] += 1
    return (counts[True] / companies[True]) / (counts[False] / companies[False])


# --- planted troubles ---------------------------------------------------------------------------


def test_the_planted_bottleneck_is_in_one_stage_of_one_segment(world: World, untroubled_world: World) -> None:
    since = rules.Plants().bottleneck
    assert since is not None
    stuck = median(_dwell(world, "Enterprise", "proposal", since))
    assert stuck > 1.8 * median(_dwell(untroubled_world, "Enterprise", "proposal", since))
    elsewhere = median(_dwell(world, "SMB", "proposal", since))
    assert elsewhere < 1.6 * median(_dwell(untroubled_world, "SMB", "proposal", since))


def test_the_planted_team_wins_less(world: World, untroubled_world: World) -> None:
    def rate(lived: World) -> float:
        closed = [
            d
            for d in lived.deals
            if d.owner is not None
            and d.owner.team == rules.STRUGGLING_TEAM
            and d.closed_at is not None
            and d.closed_at.date() >= date(2026, 3, 1)
        ]
        return sum(1 for d in closed if d.stage == "won") / len(closed)

    assert rate(world) < 0.6 * rate(untroubled_world)


def test_the_planted_handoff_stalls_in_one_region(world: World, untroubled_world: World) -> None:
    assert _waiting(world, "EMEA") > 2.5
    assert _waiting(world, "Americas") < 1
    assert _waiting(untroubled_world, "EMEA") < 1


def _waiting(world: World, region: str) -> float:
    """Median days from marketing's hand-over to the first answer of a person of ours."""
    answers: dict[str, list[object]] = {}
    for touch in world.touches:
        if touch.is_human and touch.direction == "outbound" and touch.person is not None:
            answers.setdefault(touch.person.id, []).append(touch.at)
    waits = []
    for step in world.funnel:
        if (
            step.stage == "mql"
            and step.at.date() >= date(2026, 2, 1)
            and step.person.company.region == region
        ):
            later = [at for at in answers.get(step.person.id, []) if at > step.at]  # type: ignore[operator]
            if later:
                waits.append((min(later) - step.at) / timedelta(days=1))  # type: ignore[type-var, operator]
    return median(waits)


def test_nobody_uses_the_planted_tool(world: World, untroubled_world: World) -> None:
    def uses(lived: World) -> set[object]:
        return {a.uses_per_week for a in lived.tool_answers if a.tool == rules.UNUSED_TOOL}

    assert uses(world) == {0}
    assert len(uses(untroubled_world)) > 5
    assert sum(a.uses_per_week for a in world.tool_answers if a.tool == "Cadence") > 100


# --- hard cases ---------------------------------------------------------------------------------


def test_deals_close_just_before_and_on_the_stroke_of_midnight(world: World) -> None:
    times = Counter(d.closed_at.time() for d in world.deals if d.closed_at is not None)
    assert times[time(23, 59, 59)] >= 3
    assert times[time(0, 0)] >= 3


def test_deals_lack_accounts_and_owners(world: World) -> None:
    assert any(not d.account_recorded for d in world.deals)
    assert any(d.owner is None for d in world.deals)
    assert any(not d.account_recorded and d.stage == "won" for d in world.deals)


def test_deals_are_pushed_reopened_deleted_and_put_right(world: World) -> None:
    pushes = reopened = corrected = 0
    for deal in world.deals:
        for change in deal.changes:
            pushes += change.field == "expected_close_on" and str(change.new) > str(change.old)
            reopened += change.field == "stage" and change.old in ("won", "lost")
            corrected += (
                change.field == "amount" and deal.closed_at is not None and change.at > deal.closed_at
            )
    assert pushes > 300
    assert reopened >= 10
    assert corrected >= 3
    assert sum(1 for d in world.deals if d.deleted_at is not None) >= 10
    assert any(d.amount == 0 for d in world.deals)


def test_customers_leave_and_return(world: World) -> None:
    returned = [c for c in world.companies if _left_and_returned(world, c)]
    assert len(returned) >= 10


def _left_and_returned(world: World, company: Company) -> bool:
    core = sorted(
        (p.starts_on, p.ends_on or date.max)
        for p in world.periods
        if p.company is company and p.kind == "recurring" and p.status == "active" and p.amount > 0
    )
    latest = date.min
    for start, end in core:
        if latest != date.min and start > latest:
            return True
        latest = max(latest, end)
    return False


def test_two_subscriptions_of_one_customer_change_on_one_day(world: World) -> None:
    changes: dict[tuple[str, date], set[str]] = {}
    for period in world.periods:
        if period.reason == "seats":
            changes.setdefault((period.company.id, period.starts_on), set()).add(period.subscription_id)
    assert any(len(subscriptions) > 1 for subscriptions in changes.values())


def test_periods_of_every_awkward_kind_are_there(world: World) -> None:
    periods = world.periods
    assert {p.kind for p in periods} == {"recurring", "trial", "metered", "one_off", "services"}
    statuses = {p.status for p in periods}
    assert statuses == {"active", "past_due", "unpaid", "paused", "trialing", "canceled"}
    assert {p.currency for p in periods} == {"USD", "EUR", "GBP"}
    assert any(p.status == "paused" and p.ends_on is None for p in periods)
    assert any(p.status == "paused" and p.ends_on is not None for p in periods)
    assert any(p.amount < 0 for p in periods) and any(p.deleted_at for p in periods)
    assert any(p.discount_percent == 1 for p in periods)
    assert any(p.discount_percent and p.discount_amount for p in periods)
    assert any(p.ends_on == p.starts_on for p in periods)
    reasons = {
        "signup",
        "seats",
        "tier",
        "price_uplift",
        "contractual_escalator",
        "cross_sell",
        "pause",
        "resume",
    }
    assert reasons <= {p.reason for p in periods}


def test_renewals_come_early_on_time_late_split_too_late_and_not_at_all(world: World) -> None:
    lags = [
        (c.signed_at.date() - c.renews.ends_on).days for c in world.contracts if c.renews and c.renews.ends_on
    ]
    assert min(lags) < -30
    assert any(-30 <= lag <= 0 for lag in lags)
    assert any(0 < lag <= 90 for lag in lags)
    assert max(lags) > 90
    followers = Counter(c.renews.id for c in world.contracts if c.renews)
    assert 2 in followers.values()
    assert {"lapsed", "canceled", "renewed", "active"} == {c.status for c in world.contracts}
    open_ones = [
        c for c in world.contracts if c.ends_on and c.ends_on <= world.until < c.ends_on + timedelta(90)
    ]
    assert any(c.id not in followers and c.status == "active" for c in open_ones)
