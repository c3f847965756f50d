"""Attribution: the worked examples of the literature, and what must hold for any journey."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestration.insight.attribution import (
    RULES,
    Journey,
    by_channel,
    full_path,
    linear,
    markov,
    shapley,
    share_out,
    subset_worth,
    time_decay,
    u_shaped,
    w_shaped,
)
from orchestration.insight.attribution import (
    Path as Way,
)


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((shared / "golden" / "metrics.yaml").read_text())
    return {each["id"]: each for each in document["examples"]}


def test_linear_time_decay_and_u_shape_give_the_published_credits(
    examples: dict[str, dict[str, Any]],
) -> None:
    example = examples["linear_hockeystack"]
    parts = share_out(Decimal(example["inputs"]["value"]), linear(len(example["inputs"]["touches"])))
    assert [float(part) for part in parts] == pytest.approx(example["expected"]["credit"], abs=0.01)

    example = examples["time_decay_rittman"]["inputs"]
    credits = time_decay(example["days_before_conversion"], example["half_life_days"])
    assert credits == pytest.approx(examples["time_decay_rittman"]["expected"]["credit"], abs=1e-9)

    example = examples["u_shaped_dreamdata"]
    parts = share_out(Decimal(example["inputs"]["value"]), u_shaped(len(example["inputs"]["touches"])))
    assert [float(part) for part in parts] == pytest.approx(example["expected"]["credit"], abs=1e-6)


def test_the_removal_effects_of_the_published_chain_come_out_exactly(
    examples: dict[str, dict[str, Any]],
) -> None:
    example = examples["markov_puzyrov"]
    chain = markov(
        Way(each["path"], each["conversions"], each["nulls"]) for each in example["inputs"]["paths"]
    )
    expected = example["expected"]
    words = {"(start)": "start", "(won)": "conv", "(lost)": "null"}
    found = {
        f"{words.get(before, before)}>{words.get(after, after)}": chance
        for (before, after), chance in chain.transitions.items()
    }
    assert found == pytest.approx(expected["transitions"], abs=1e-9)
    assert chain.conversion == pytest.approx(expected["p_conversion"], abs=1e-9)
    assert dict(chain.conversion_without) == pytest.approx(expected["p_without"], abs=1e-9)
    assert dict(chain.removal_effects) == pytest.approx(expected["removal_effect"], abs=1e-9)
    assert dict(chain.shares) == pytest.approx(expected["share"], abs=1e-9)
    won = sum(each["conversions"] for each in example["inputs"]["paths"])
    attributed = {channel: share * won for channel, share in chain.shares.items()}
    assert attributed == pytest.approx(expected["attributed_conversions"], abs=1e-9)


def test_the_shapley_values_of_three_channels_and_of_the_glove_game_come_out(
    examples: dict[str, dict[str, Any]],
) -> None:
    example = examples["shapley_three_channels"]
    conversions = {frozenset(name): won for name, won in example["inputs"]["exact_set_conversions"].items()}
    total = sum(conversions.values())
    worth = {each: won / total for each, won in subset_worth(conversions).items()}
    for name, value in example["expected"]["worth"].items():
        assert worth[frozenset(name)] == pytest.approx(value, abs=1e-9)
    assert shapley(worth) == pytest.approx(example["expected"]["shapley"], abs=1e-9)

    players = ("L", "R1", "R2")
    groups = [frozenset(each) for size in range(1, 4) for each in combinations(players, size)]
    pairs = {group: 1.0 if "L" in group and len(group) > 1 else 0.0 for group in groups}
    assert shapley(pairs) == pytest.approx(examples["shapley_glove_game"]["expected"]["shapley"], abs=1e-9)


def test_an_equal_part_for_every_channel_of_a_win_is_its_shapley_value() -> None:
    journeys = [("a",), ("a", "b", "a"), ("b", "c"), ("a", "b", "c"), ("c",)]
    credited = dict.fromkeys("abc", 0.0)
    wins: dict[frozenset[str], float] = {}
    for journey in journeys:
        wins[frozenset(journey)] = wins.get(frozenset(journey), 0) + 1
        for channel, credit in zip(journey, RULES["shapley"](Journey(journey, [])), strict=True):
            credited[channel] += credit
    assert credited == pytest.approx(shapley(subset_worth(wins)))


@pytest.mark.parametrize(
    ("credits", "expected"),
    [
        (u_shaped(1), [1]),
        (u_shaped(2), [0.5, 0.5]),
        # first, lead and opening, then what is left for the others
        (w_shaped(5, 1, 3), [0.3, 0.3, 0.05, 0.3, 0.05]),
        # the first touch made the lead
        (w_shaped(3, 0, 1), [0.6, 0.3, 0.1]),
        # nobody knows when it became a lead: 0.3, 0.3 and 0.1 in proportion
        (w_shaped(3, None, 2), [3 / 7, 1 / 7, 3 / 7]),
        (full_path(6, 1, 3), [0.225, 0.225, 0.05, 0.225, 0.05, 0.225]),
        (full_path(2, None, None), [0.5, 0.5]),
        (by_channel("abb", {"a": 0.6, "b": 0.2}), [0.75, 0.125, 0.125]),
        (by_channel("ab", {"c": 1.0}), [0.5, 0.5]),
        (time_decay([28, 14, 0]), [1 / 7, 2 / 7, 4 / 7]),
        (time_decay([50_000, 49_986]), [1 / 3, 2 / 3]),
    ],
)
def test_credits_worked_out_by_hand(credits: Sequence[float], expected: Sequence[float]) -> None:
    assert credits == pytest.approx(expected)


def test_lost_journeys_count_in_the_chain() -> None:
    ways = [Way(["a"], 5, 0), Way(["a", "b"], 5, 0)]
    # everything starts with a and is won: without a nothing, without b the half
    assert markov(ways).shares == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    # half starts with b, which wins a third: 1/2 in all, 1/6 without a, 1/4 without b
    assert markov([*ways, Way(["b"], 0, 10)]).removal_effects == pytest.approx({"a": 2 / 3, "b": 1 / 2})


def test_a_chain_without_a_win_credits_nobody() -> None:
    assert markov([Way(["a", "b"], 0, 3)]).shares == {"a": 0.0, "b": 0.0}


channels = st.lists(st.sampled_from("abcd"), min_size=1, max_size=12)


@given(channels, st.data())
def test_credits_of_every_rule_add_up_to_one(own: list[str], data: st.DataObject) -> None:
    position = st.none() | st.integers(0, len(own) - 1)
    days = data.draw(st.lists(st.floats(0, 180), min_size=len(own), max_size=len(own)))
    journey = Journey(own, days, data.draw(position), data.draw(position))
    for model, rule in RULES.items():
        credits = rule(journey)
        assert len(credits) == len(own) and min(credits) >= 0, model
        assert sum(credits) == pytest.approx(1, abs=1e-12), model


@given(
    st.decimals("-1000000000000", "1000000000000", places=6),
    st.lists(st.floats(0.001, 1), min_size=1, max_size=40),
)
def test_parts_of_an_amount_add_up_to_it_and_are_within_a_millionth_of_their_share(
    amount: Decimal, weights: list[float]
) -> None:
    credits = [weight / sum(weights) for weight in weights]
    parts = share_out(amount, credits)
    assert sum(parts) == amount
    for part, credit in zip(parts, credits, strict=True):
        assert abs(part - amount * Decimal(credit)) <= Decimal("0.000002") + abs(amount) * Decimal("1e-14")
