"""The truth's KPIs, against figures worked out by hand and against each other."""

import itertools
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from handmade import call, company, contract, deal, period, seller, spend, world

from sandbox.records import Change
from sandbox.truth import Figure, Key, kpis
from sandbox.world import World

BIG = company("Big", "Enterprise")
SMALL = company("Small", "SMB")


def figure(
    found: dict[Key, Figure],
    kpi: str,
    grain: str,
    start: date,
    segment: str = "all",
    variant: str = "default",
) -> Figure:
    dimension = "all" if segment == "all" else "segment"
    return found[Key(kpi, variant, grain, start, dimension, segment)]


def test_win_rate_counts_the_last_close_in_the_reporting_zone() -> None:
    deals = [
        deal(datetime(2024, 1, 10), (datetime(2024, 3, 31, 23, 59, 59), "won"), company=BIG),
        deal(datetime(2024, 1, 11), (datetime(2024, 4, 1), "won"), company=BIG),
        deal(datetime(2024, 1, 12), (datetime(2024, 3, 5), "lost"), company=SMALL),
        deal(
            datetime(2024, 1, 13),
            (datetime(2024, 2, 5), "lost"),
            (datetime(2024, 3, 1), "qualified"),
            (datetime(2024, 3, 9), "won"),
            company=SMALL,
        ),
        deal(datetime(2024, 1, 14), (datetime(2024, 3, 9), "won"), deleted_at=datetime(2024, 5, 1)),
        deal(datetime(2024, 1, 15), (datetime(2024, 3, 9), "won"), company=BIG, account_recorded=False),
        deal(datetime(2024, 1, 16)),
    ]
    made = world(date(2024, 6, 30), deals=deals)
    found = kpis(made, date(2024, 4, 30))
    assert figure(found, "win_rate", "month", date(2024, 3, 1)) == (3, 4, Fraction(3, 4), 4)
    assert figure(found, "win_rate", "month", date(2024, 2, 1)).value is None
    assert figure(found, "win_rate", "month", date(2024, 3, 1), "unknown").value == 1
    assert figure(found, "win_rate", "month", date(2024, 3, 1), "SMB").value == Fraction(1, 2)
    assert figure(found, "win_rate", "all_time", date(2024, 1, 1)).n == 5
    west = kpis(made, date(2024, 4, 30), timezone="America/Los_Angeles")
    assert figure(west, "win_rate", "month", date(2024, 3, 1)).n == 5  # midnight in London is still March
    early = kpis(made, date(2024, 2, 29))
    assert figure(early, "win_rate", "month", date(2024, 2, 1)).value == 0  # not reopened yet


def test_sales_cycle_is_a_median_of_whole_days() -> None:
    deals = [
        deal(datetime(2024, 1, 1, 23), (datetime(2024, 1, 2, 1), "won")),
        deal(datetime(2024, 1, 1), (datetime(2024, 1, 11, 23), "won")),
        deal(datetime(2024, 1, 1), (datetime(2024, 1, 16), "won")),
        deal(datetime(2024, 1, 1), (datetime(2024, 1, 31), "won")),
        deal(datetime(2024, 1, 1), (datetime(2024, 1, 31), "lost")),
    ]
    found = kpis(world(date(2024, 1, 31), deals=deals), date(2024, 1, 31))
    assert figure(found, "sales_cycle_length", "month", date(2024, 1, 1)) == (None, None, Fraction(25, 2), 4)


def test_pipeline_velocity_multiplies_what_is_open_at_the_end_by_the_last_twelve_months() -> None:
    deals = [
        deal(datetime(2024, 1, 1), (datetime(2024, 1, 21), "won"), amount=3000),
        deal(datetime(2024, 1, 1), (datetime(2024, 2, 10), "won"), amount=1000),
        deal(datetime(2024, 1, 1), (datetime(2024, 2, 10), "lost")),
        deal(datetime(2024, 1, 1), (datetime(2024, 2, 10), "lost")),
        deal(datetime(2024, 2, 1), (datetime(2024, 2, 2), "qualified"), (datetime(2024, 3, 2), "lost")),
        deal(datetime(2024, 2, 1), (datetime(2024, 2, 2), "proposal")),
        deal(datetime(2024, 2, 1)),
    ]
    made = world(date(2024, 12, 31), deals=deals)
    found = kpis(made, date(2024, 3, 31))
    # two open and qualified, 2,000 on average, half of them won, in 30 days
    february = figure(found, "pipeline_velocity", "month", date(2024, 2, 1))
    assert february.value == Fraction(2 * 2000, 2 * 30) and february.n == 2
    march = figure(found, "pipeline_velocity", "month", date(2024, 3, 1))
    assert march.value == 1 * 2000 * Fraction(2, 5) / 30 and march.n == 1


def test_deals_are_worth_the_rate_of_their_close() -> None:
    deals = [
        deal(datetime(2024, 1, 1), (datetime(2024, 1, 11), "won"), currency="EUR", amount=1000),
        deal(datetime(2024, 1, 1), (datetime(2024, 1, 2), "qualified")),
    ]
    found = kpis(world(date(2024, 3, 31), deals=deals), date(2024, 3, 31))
    assert (
        figure(found, "pipeline_velocity", "month", date(2024, 3, 1)).value == 1000 * Fraction("1.0890") / 10
    )


def test_acquisition_cost_spreads_spend_by_day_and_counts_who_was_never_there_before() -> None:
    rows = [
        period(SMALL, date(2024, 1, 5), date(2024, 1, 20)),
        period(SMALL, date(2024, 2, 5), subscription_id="S2"),
        period(BIG, date(2024, 2, 7), subscription_id="S3"),
    ]
    costs = [
        spend("sales", 9100, date(2024, 1, 1), date(2024, 3, 31)),  # 100 a day
        spend("marketing", 500, date(2024, 2, 3)),
        spend("customer_success", 7777, date(2024, 2, 3)),
        spend("marketing", 100, date(2024, 2, 4), currency="EUR"),
    ]
    found = kpis(
        world(date(2024, 3, 31), periods=rows, spend=costs, companies=[SMALL, BIG]), date(2024, 2, 15)
    )
    expected = 1500 + 500 + 100 * Fraction("1.0845")
    assert figure(found, "customer_acquisition_cost", "month", date(2024, 2, 1)) == (expected, 1, expected, 1)
    quarter = figure(found, "customer_acquisition_cost", "quarter", date(2024, 1, 1))
    assert quarter.denominator == 2 and quarter.numerator == 3100 + expected


def test_forecast_accuracy_takes_the_commit_in_force_and_only_periods_that_are_over() -> None:
    north, south = seller("North"), seller("South")
    deals = [
        deal(datetime(2024, 1, 1), (datetime(2024, 2, 5), "won"), amount=100, owner=north),
        deal(datetime(2024, 1, 1), (datetime(2024, 2, 6), "won"), amount=50, owner=None),
        deal(datetime(2024, 1, 1), (datetime(2024, 3, 6), "won"), amount=40, owner=north),
    ]
    february, march = (date(2024, 2, 1), date(2024, 3, 1)), (date(2024, 3, 1), date(2024, 4, 1))
    calls = [
        call("North", *february, 500, datetime(2024, 1, 8)),
        call("North", *february, 120, datetime(2024, 1, 31, 23, 59)),
        call("North", *february, 100, datetime(2024, 2, 1)),
        call("North", *february, 999, datetime(2024, 1, 31), "best_case"),
        call("South", *february, 10, datetime(2024, 1, 22)),
        call("company", *february, 150, datetime(2024, 1, 22)),
        call("North", *march, 40, datetime(2024, 2, 26)),
        call("South", *march, 10, datetime(2024, 3, 4)),
    ]
    made = world(date(2024, 6, 30), deals=deals, forecasts=calls)
    found = kpis(made, date(2024, 3, 30))
    # North 100 for 120, South 0 for 10, the company 150 for 150
    assert figure(found, "forecast_accuracy", "month", date(2024, 2, 1)) == (220, 250, Fraction(220, 250), 3)
    assert figure(found, "forecast_accuracy", "month", date(2024, 3, 1)).n == 0
    later = kpis(made, date(2024, 3, 31))
    assert figure(later, "forecast_accuracy", "month", date(2024, 3, 1)) == (40, 40, 1, 1)
    assert figure(later, "forecast_accuracy", "quarter", date(2024, 1, 1)).n == 4
    unit = later[Key("forecast_accuracy", "default", "month", date(2024, 2, 1), "forecast_unit", "South")]
    assert unit.value is None and unit.denominator == 0
    assert south.team == "South"


def test_churn_compares_two_days_and_forgives_who_came_back() -> None:
    gone, back, pausing, fresh = (company(name) for name in ("Gone", "Back", "Pausing", "Fresh"))
    rows = [
        period(gone, date(2024, 1, 5), date(2024, 2, 29), subscription_id="A"),
        period(back, date(2024, 1, 5), date(2024, 2, 10), subscription_id="B"),
        period(back, date(2024, 2, 20), subscription_id="C"),
        period(pausing, date(2024, 1, 5), date(2024, 2, 20), subscription_id="D"),
        period(pausing, date(2024, 2, 20), date(2024, 3, 20), subscription_id="D", status="paused"),
        period(fresh, date(2024, 2, 5), date(2024, 2, 25), subscription_id="E"),
    ]
    made = world(date(2024, 4, 30), periods=rows, companies=[gone, back, pausing, fresh])
    found = kpis(made, date(2024, 4, 30))
    assert figure(found, "customer_churn", "month", date(2024, 2, 1)) == (1, 3, Fraction(1, 3), 3)
    assert figure(found, "customer_churn", "month", date(2024, 3, 1)) == (1, 2, Fraction(1, 2), 2)
    assert figure(found, "customer_churn", "all_time", date(2024, 1, 1)).value is None
    lifetime = figure(found, "customer_lifetime_value", "month", date(2024, 2, 1), variant="simple")
    assert lifetime.value == Fraction(1200, 2) / 12 / Fraction(1, 3)  # two customers, one of them on a pause
    margin = kpis(made, date(2024, 4, 30), gross_margin=Fraction(4, 5))
    key = Key("customer_lifetime_value", "simple", "month", date(2024, 2, 1), "all", "all")
    assert lifetime.value is not None and margin[key].value == lifetime.value * Fraction(4, 5)


def test_upsells_are_every_expansion_over_what_was_there_at_the_start() -> None:
    rows = [
        period(SMALL, date(2024, 1, 5), date(2024, 2, 10)),
        period(SMALL, date(2024, 2, 10), amount=Decimal(110), reason="price_uplift"),
        period(BIG, date(2024, 2, 5), date(2024, 2, 25), subscription_id="S2"),
        period(BIG, date(2024, 2, 25), subscription_id="S2", amount=Decimal(130), reason="seats"),
    ]
    found = kpis(world(date(2024, 2, 29), periods=rows, companies=[SMALL, BIG]), date(2024, 2, 29))
    assert figure(found, "upsells", "month", date(2024, 2, 1)) == (480, 1200, Fraction(2, 5), 2)
    assert figure(found, "upsells", "month", date(2024, 1, 1)).value is None
    assert figure(found, "annual_recurring_revenue", "month", date(2024, 2, 1)).value == 240 * 12
    assert (
        figure(found, "annual_recurring_revenue", "month", date(2024, 2, 1), "Enterprise").value == 130 * 12
    )
    assert figure(found, "arr_movements", "quarter", date(2024, 1, 1), variant="new").value == 2400


def test_renewals_cap_at_the_base_add_up_parts_and_leave_out_the_undecided() -> None:
    due = date(2025, 3, 10)
    base = [contract(company(name), date(2024, 3, 1), due, 1000) for name in "ABCDEFG"]
    signed = {
        "A": [(date(2025, 3, 1), 1300)],  # more than the base counts as the base
        "B": [(date(2025, 3, 9), 600), (date(2025, 4, 2), 300)],  # two papers
        "C": [(date(2025, 6, 8), 1000)],  # the last day of grace
        "D": [(date(2025, 6, 9), 1000)],  # a day too late
    }
    base[4].status = "lapsed"
    papers = [
        contract(old.company, day, date(2026, 3, 10), annual, renews=old)
        for old in base
        for day, annual in signed.get(old.company.id, [])
    ]
    made = world(date(2025, 12, 31), contracts=base + papers, companies=[c.company for c in base])

    def renewals(as_of: date) -> Figure:
        return figure(kpis(made, as_of), "renewals", "month", date(2025, 3, 1))

    assert renewals(date(2025, 3, 9)).value is None  # nothing is due yet
    assert renewals(date(2025, 3, 31)) == (
        1600,
        3000,
        Fraction(16, 30),
        3,
    )  # A, a part of B, and E which lapsed
    assert renewals(date(2025, 4, 30)) == (1900, 3000, Fraction(19, 30), 3)
    assert renewals(date(2025, 6, 30)) == (2900, 7000, Fraction(29, 70), 7)


def test_amounts_owners_and_stages_are_those_of_the_day() -> None:
    moved = deal(datetime(2024, 1, 5), (datetime(2024, 1, 15), "won"), (datetime(2024, 3, 1), "qualified"))
    moved.changes.append(Change(datetime(2024, 3, 2), "amount", Decimal(1000), Decimal(5), None))
    moved.amount = Decimal(5)
    other = deal(datetime(2024, 1, 5), (datetime(2024, 1, 6), "qualified"))
    found = kpis(world(date(2024, 3, 31), deals=[moved, other]), date(2024, 1, 31))
    assert figure(found, "pipeline_velocity", "month", date(2024, 1, 1)).value == 1 * 1000 * 1 / Fraction(10)


def test_a_day_that_was_not_lived_has_no_truth() -> None:
    with pytest.raises(ValueError, match="lived until 2024-03-31"):
        kpis(world(date(2024, 3, 31)), date(2024, 4, 1))


# --- figures of a lived world against each other --------------------------------------------------


@pytest.fixture(scope="module")
def lived(small_world: World) -> dict[Key, Figure]:
    return kpis(small_world, small_world.until)


def test_segments_add_up_to_the_whole(lived: dict[Key, Figure]) -> None:
    for kpi in ("win_rate", "renewals", "annual_recurring_revenue", "customer_churn", "upsells"):
        totals = [key for key in lived if key.kpi == kpi and key.dimension == "all"]
        assert totals
        for key in totals:
            parts = [
                f for k, f in lived.items() if k[:4] == key[:4] and k.dimension == "segment" and f.numerator
            ]
            assert sum(p.numerator for p in parts if p.numerator is not None) == (lived[key].numerator or 0)


def test_months_add_up_to_quarters_and_years(lived: dict[Key, Figure], small_world: World) -> None:
    for kpi, variant in (("win_rate", "default"), ("renewals", "default"), ("arr_movements", "churn")):
        for grain, length in (("quarter", 3), ("year", 12)):
            for key in [k for k in lived if k[:3] == (kpi, variant, grain) and k.dimension == "all"]:
                months = [
                    lived[key._replace(grain="month", period_start=date(key.period_start.year, month, 1))]
                    for month in range(key.period_start.month, key.period_start.month + length)
                    if date(key.period_start.year, month, 1) <= small_world.until
                ]
                assert sum(m.numerator or 0 for m in months) == (lived[key].numerator or 0)
                assert sum(m.n for m in months) == lived[key].n


def test_recurring_revenue_grows_by_its_movements(lived: dict[Key, Figure]) -> None:
    months = sorted(k for k in lived if k[:3] == ("annual_recurring_revenue", "default", "month"))
    checked = 0
    for dimension_value in ("all", "SMB", "Mid-Market", "Enterprise", "unknown"):
        mine = [k for k in months if k.dimension_value == dimension_value]
        for earlier, later in itertools.pairwise(mine):
            moved = sum(
                lived[later._replace(kpi="arr_movements", variant=name)].value or 0
                for name in ("new", "expansion", "contraction", "churn", "reactivation", "currency")
            )
            assert (lived[earlier].value or 0) + moved == lived[later].value
            checked += 1
    assert checked > 100


@pytest.mark.parametrize("timezone", ["UTC", "America/New_York"])
def test_a_world_that_lived_on_tells_the_same_truth_of_a_day_gone_by(timezone: str) -> None:
    day = date(2025, 5, 19)
    then, later = World(day, seed=3, scale=0.3), World(date(2025, 11, 3), seed=3, scale=0.3)
    gone = {d.id for d in later.deals if d.deleted_at is not None}  # what was deleted since never counted
    then.deals = [d for d in then.deals if d.id not in gone]
    assert kpis(then, day, timezone) == kpis(later, day, timezone)
