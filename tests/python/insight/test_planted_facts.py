"""What is planted in a pretend company is found at the top; where nothing was planted nothing is found."""

import pytest

from benchmarks.planted import UNTIL, Alarms, alarms, attribution_ranks
from sandbox import rules
from sandbox.world import World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world() -> World:
    return World(UNTIL, seed=1)


@pytest.fixture(scope="module")
def found(world: World) -> Alarms:
    return alarms(world)


def test_the_stage_in_which_large_deals_get_stuck_is_the_first_bottleneck(found: Alarms) -> None:
    assert found.bottlenecks[0] == ("new_business", rules.BOTTLENECK_STAGE, rules.BOTTLENECK_SEGMENT)


def test_the_region_that_answers_leads_late_is_where_the_hand_off_stalls(found: Alarms) -> None:
    assert found.stalled == [("marketing", "region", rules.STALLED_REGION)]


def test_the_struggling_team_is_the_first_that_needs_support(found: Alarms) -> None:
    assert found.teams[0] == rules.STRUGGLING_TEAM


def test_a_company_without_troubles_raises_no_alarm() -> None:
    calm = alarms(World(UNTIL, seed=1, plants=rules.Plants.none()))
    assert (calm.bottlenecks, calm.stalled, calm.teams) == ([], [], [])


def test_channels_that_caused_more_inquiries_get_more_credit_in_every_model(world: World) -> None:
    assert {model: rank for model, rank in attribution_ranks(world).items() if rank <= 0} == {}
