"""The guards against noise, against numbers worked out by hand and against chance itself."""

from itertools import combinations

import numpy as np
import pytest

from orchestration.insight.guards import (
    false_discovery_rates,
    median_time,
    permutation_p,
    survival_scores,
)


def test_scores_of_survival_are_events_less_what_was_expected() -> None:
    # at day 1 one of four ends, at day 2 one of three, day 3 is censored, at day 4 one of one
    scores = survival_scores(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 0.0, 1.0]))
    assert scores == pytest.approx([1 - 1 / 4, 1 - 7 / 12, -7 / 12, 1 - 19 / 12])
    assert scores.sum() == pytest.approx(0)


def test_a_permutation_test_counts_the_labellings_as_extreme() -> None:
    scores = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    ours = np.array([True, True, False, True, False, False, False, False])
    observed = scores[ours].sum()
    exact = np.mean([sum(each) <= observed for each in combinations(scores, 3)])
    assert permutation_p(scores, ours) == pytest.approx(exact, abs=0.01)


def test_labels_are_exchanged_within_a_stratum_only() -> None:
    # ours are low because the stratum is; within it they are as high as the others
    scores = np.array([-5.0, -5.0, -5.0, -5.0, 5.0, 5.0, 5.0, 5.0])
    ours = np.array([True, True, True, False, True, False, False, False])
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    assert permutation_p(scores, ours, strata) == 1.0
    assert permutation_p(scores, ours) < 0.3


def test_a_stratum_without_anybody_to_compare_with_says_nothing() -> None:
    assert permutation_p(np.array([-9.0, -8.0]), np.array([True, True])) == 1.0


def test_under_no_difference_small_p_values_are_as_rare_as_they_say() -> None:
    generator = np.random.default_rng(3)
    p_values = [
        permutation_p(survival_scores(generator.exponential(size=30), np.ones(30)), np.arange(30) < 8)
        for _ in range(400)
    ]
    assert 0.02 <= np.mean(np.array(p_values) <= 0.05) <= 0.085


def test_rates_of_false_discovery_are_those_of_benjamini_and_hochberg() -> None:
    assert false_discovery_rates([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert false_discovery_rates([]) == []


def test_a_median_counts_cases_that_still_run() -> None:
    assert median_time([1, 2, 3, 4], [True, True, True, True]) == 2
    # 1 of 4 ends; 2 of the 3 left run on; the last ends: 3/4, then 0
    assert median_time([1, 2, 2, 5], [True, False, False, True]) == 5
    assert median_time([1, 2, 3], [True, False, False]) is None
