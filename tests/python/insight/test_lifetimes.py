"""Retention, survival and purchases: the printed results of the literature, and what must hold for any
data.
"""

from math import comb

import numpy as np
import pytest
from scipy.stats import chi2, gamma

from orchestration.insight.other_purchase_models import OccasionModel, ParetoModel
from orchestration.insight.purchases import (
    PurchaseModel,
    Purchases,
    SpendModel,
    discounted_purchases,
    fit_purchases,
    fit_spend,
)
from orchestration.insight.retention_curves import (
    Lifetime,
    RetentionCurve,
    better_fit,
    discounted_months,
    fit,
    fit_lifetimes,
)
from orchestration.insight.survival import aalen_johansen, kaplan_meier, log_rank, median


def _counts(survival: list[float]) -> tuple[dict[int, float], dict[int, float]]:
    """Those still there at the end, and those who left in each period, from printed shares."""
    lost = {t: survival[t - 1] - survival[t] for t in range(1, len(survival))}
    return {len(survival) - 1: survival[-1]}, lost


HIGH_END = [100.0, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1]
REGULAR = [100.0, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1]


@pytest.mark.parametrize(("survival", "alpha", "beta"), [(HIGH_END, 0.668, 3.806), (REGULAR, 0.704, 1.182)])
def test_the_fits_of_fader_and_hardie_are_reproduced(
    survival: list[float], alpha: float, beta: float
) -> None:
    curve = fit(*_counts(survival))
    assert (curve.alpha, curve.beta) == pytest.approx((alpha, beta), abs=1e-3)


def test_the_projection_of_high_end_customers_is_the_printed_one() -> None:
    projected = fit(*_counts(HIGH_END)).survival(np.arange(8, 13))
    assert projected == pytest.approx([0.4604, 0.4358, 0.4142, 0.3951, 0.3780], abs=2e-3)
    actual = np.array([0.468, 0.445, 0.427, 0.409, 0.394])
    assert np.abs(projected - actual).max() < 0.02


def test_the_curves_of_the_package_foretell_are_reproduced() -> None:
    counts = _counts(HIGH_END[:5])
    simple, shaped = fit(*counts), fit(*counts, with_shape=True)
    assert (simple.alpha, simple.beta) == pytest.approx((1.281009, 7.790563), rel=1e-3)
    assert 100 * simple.survival(np.arange(5, 11)) == pytest.approx(
        [53.44303, 48.57783, 44.44895, 40.90608, 37.83658, 35.15453], rel=1e-3
    )
    assert (shaped.alpha, shaped.beta, shaped.shape) == pytest.approx(
        (0.2593549, 1.7226948, 1.5842688), rel=1e-3
    )
    assert 100 * shaped.survival(np.arange(5, 11)) == pytest.approx(
        [54.66194, 51.03776, 48.10526, 45.66963, 43.60444, 41.82391], rel=1e-3
    )


def _drawn(curve: RetentionCurve, customers: int, followed: int) -> list[Lifetime]:
    """Customers whose lives follow a curve exactly, as far as whole numbers allow."""
    shares = curve.survival(np.arange(followed + 1))
    left = np.round(customers * shares).astype(int)
    lives = [Lifetime(t, True) for t in range(followed) for _ in range(left[t] - left[t + 1])]
    return lives + [Lifetime(followed, False)] * int(left[followed])


def test_a_shape_is_fitted_only_where_the_hazard_demands_it() -> None:
    rising, constant = RetentionCurve(0.5, 40.0, 1.9), RetentionCurve(2.0, 60.0)
    found = fit_lifetimes(_drawn(rising, 3000, 30))
    assert found is not None and found.shape == pytest.approx(1.9, abs=0.15)
    simple = fit_lifetimes(_drawn(constant, 3000, 30))
    assert simple is not None and simple.shape == 1.0
    assert simple.survival(np.array([60.0])) == pytest.approx(constant.survival(np.array([60.0])), abs=0.01)


def test_too_few_customers_losses_or_months_have_no_curve() -> None:
    enough = [Lifetime(t % 8, t % 4 == 0) for t in range(40)]
    assert fit_lifetimes(enough) is not None
    assert fit_lifetimes(enough[:19]) is None
    assert fit_lifetimes([Lifetime(each.months, False) for each in enough]) is None
    assert fit_lifetimes([Lifetime(min(each.months, 3), each.is_lost) for each in enough]) is None


def test_the_interval_of_discounted_months_covers_the_truth_as_often_as_it_says() -> None:
    truth = RetentionCurve(1.5, 40.0)
    exact = discounted_months(
        RetentionCurve(1.5, 40.0, covariance=np.zeros((2, 2))), annual_discount_rate=0.1, horizon_years=3
    ).expected
    rng, inside = np.random.default_rng(5), 0
    for _ in range(100):
        hazard = rng.beta(truth.alpha, truth.beta, 300)
        months = rng.geometric(hazard) - 1
        lives = [Lifetime(int(min(m, 24)), bool(m < 24)) for m in months]
        curve = better_fit(
            {24: sum(not each.is_lost for each in lives)},
            {t + 1: n for t in range(24) if (n := sum(each.is_lost and each.months == t for each in lives))},
        )
        found = discounted_months(curve, annual_discount_rate=0.1, horizon_years=3)
        inside += found.low <= exact <= found.high
    # 95 expected; fewer than 88 or all of 100 would be an error in a hundred tries
    assert inside >= 88


PATIENTS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def test_kaplan_meier_of_freireichs_patients_is_the_textbook_table() -> None:
    steps = kaplan_meier(PATIENTS, RELAPSED)
    assert [(step.time, step.at_risk, step.events, round(step.share, 4)) for step in steps] == [
        (6, 21, 3, 0.8571), (7, 17, 1, 0.8067), (10, 15, 1, 0.7529), (13, 12, 1, 0.6902),
        (16, 11, 1, 0.6275), (22, 7, 1, 0.5378), (23, 6, 1, 0.4482),
    ]  # fmt: skip
    assert median(steps) == 23
    assert all(step.low < step.share < step.high for step in steps)


def test_the_log_rank_test_of_freireichs_patients_is_the_textbook_value() -> None:
    chi_square, p_value = log_rank(PATIENTS + PLACEBO, RELAPSED + [1] * 21, [True] * 21 + [False] * 21)
    assert (chi_square, p_value) == pytest.approx((16.793, 4.17e-5), abs=1e-3)
    assert p_value == pytest.approx(float(chi2.sf(chi_square, 1)), rel=1e-9)


def test_nobody_waiting_and_nobody_else_leaving_is_a_plain_share() -> None:
    steps = aalen_johansen([1, 2, 3, 4], [1, 2, 1, 2])
    assert [(step.time, step.share) for step in steps] == [(1, 0.25), (3, 0.5)]


def test_a_lost_deal_never_counts_as_one_that_may_still_be_won() -> None:
    # Day 1: one of four lost; day 2: one of three won, 3/4 × 1/3; day 3: one still open; day 4: the last is
    # won.
    times, outcomes = [1, 2, 3, 4], [2, 1, 0, 1]
    won = aalen_johansen(times, outcomes, 1)
    lost = aalen_johansen(times, outcomes, 2)
    assert [step.share for step in won] == pytest.approx([0.25, 0.75])
    assert [step.share for step in lost] == pytest.approx([0.25])
    # as if the lost one were still open, the last win would take everybody
    assert kaplan_meier(times, [each == 1 for each in outcomes])[-1].share == 0


def test_expected_purchases_are_those_of_hardies_spreadsheet() -> None:
    model = PurchaseModel(0.243, 4.414, 0.793, 2.426)
    customer = Purchases(np.array([2.0]), np.array([30.43]), np.array([38.86]))
    assert model.expected(customer, 39) == pytest.approx([1.226], abs=1e-3)
    assert model.alive(customer) == pytest.approx([0.7266], abs=1e-3)


def test_expected_spend_is_that_of_hardies_note() -> None:
    found = SpendModel(6.25, 3.74, 15.44).expected(
        np.array([2, 1, 0, 7, 2]), np.array([22.35, 11.77, 0, 73.74, 25.55])
    )
    assert found == pytest.approx([24.65, 18.91, 35.17, 71.46, 27.28], abs=0.1)


def _bought(customers: int, weeks: float, seed: int) -> tuple[Purchases, np.ndarray]:
    """Purchases seen of customers that follow BG/NBD, and how many each made in the year after."""
    rng = np.random.default_rng(seed)
    rates, stops = rng.gamma(0.8, 1 / 6.0, customers), rng.beta(1.2, 3.5, customers)
    repeats, last, later = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    for each in range(customers):
        now = 0.0
        while (now := now + rng.exponential(1 / rates[each])) < weeks + 52:
            if now <= weeks:
                repeats[each], last[each] = repeats[each] + 1, now
            else:
                later[each] += 1
            if rng.random() < stops[each]:
                break
    return Purchases(repeats, last, np.full(customers, weeks)), later


def test_fitted_purchases_of_a_known_world_predict_its_next_year() -> None:
    seen, later = _bought(2000, 60.0, seed=3)
    expected = fit_purchases(seen).expected(seen, 52.0)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.1)
    quiet = (seen.repeats > 0) & (seen.last < 20)
    assert expected[quiet].mean() < expected[seen.last > 50].mean() / 2


def test_fitted_spend_of_a_known_world_finds_its_mean() -> None:
    rng = np.random.default_rng(4)
    repeats = rng.integers(1, 9, 2000).astype(float)
    means = rng.gamma(6.0 * repeats, 1 / rng.gamma(4.0, 1 / 15.0, 2000)) / repeats
    model = fit_spend(repeats, means)
    assert model.p * model.v / (model.q - 1) == pytest.approx(6 * 15 / 3, rel=0.1)


def test_later_purchases_are_worth_less() -> None:
    seen, _ = _bought(200, 60.0, seed=6)
    model = PurchaseModel(0.8, 6.0, 1.2, 3.5)
    free = discounted_purchases(model, seen, annual_discount_rate=0.0, horizon_years=5)
    assert free == pytest.approx(model.expected(seen, 5 * 365 / 7))
    dear = discounted_purchases(model, seen, annual_discount_rate=0.2, horizon_years=5)
    assert (dear < free).all() and (dear > free / 1.2**5).all()


def test_spend_with_too_heavy_a_tail_has_no_mean_and_is_not_valued() -> None:
    """Worth of a purchase = 1 / gamma(0.6): its mean is infinite, and any number for it would be a guess."""
    worth = 100 / gamma.ppf((np.arange(200) + 0.5) / 200, 0.6)
    model = fit_spend(np.full(200, 20.0), worth)

    assert model.q < 1 and not model.has_mean
    assert SpendModel(p=6.25, q=3.74, v=15.44).has_mean


def _customers(*histories: tuple[float, float, float]) -> Purchases:
    """Repeats, time of the last one and age of each."""
    return Purchases(*np.array(histories, dtype=float).T)


# Fader, Hardie & Shang 2010, tables 5 and 6: donors to a public radio, 1995 to 2001, and the five years after
DONORS = OccasionModel(1.204, 0.750, 0.657, 2.783)


def test_donors_to_come_are_those_of_the_printed_tables() -> None:
    seen = _customers((0, 0, 6), (1, 1, 6), (6, 6, 6))
    assert DONORS.expected(seen, 5) == pytest.approx([0.07, 0.09, 3.75], abs=5e-3)
    assert DONORS.alive(seen) == pytest.approx([0.11, 0.07, 0.93], abs=5e-3)


def test_something_happens_on_six_occasions() -> None:
    histories = [(0, 0, 6), *((x, last, 6) for last in range(1, 7) for x in range(1, last + 1))]
    ways = [1, *(comb(last - 1, x - 1) for x, last, _ in histories[1:])]
    assert np.exp(DONORS.log_likelihood(_customers(*histories))) @ ways == pytest.approx(1)


def test_expected_purchases_of_who_may_stop_at_any_moment_are_those_of_hardies_spreadsheet() -> None:
    model, seen = ParetoModel(0.5534, 10.5802, 0.6061, 11.6562), _customers((26, 30.86, 31))
    assert model.alive(seen) == pytest.approx([0.9979], abs=1e-4)
    assert model.expected(seen, 52) == pytest.approx([25.46], abs=1e-2)


@pytest.mark.parametrize("repeats", [0, 2, 300])
def test_the_two_forms_of_its_likelihood_meet_where_alpha_is_beta(repeats: int) -> None:
    seen = _customers((repeats, 30 if repeats else 0, 39))
    below, above = (
        ParetoModel(0.55, 11.6 + shift, 0.6, 11.6).log_likelihood(seen) for shift in (-1e-7, 1e-7)
    )
    assert np.isfinite(below).all() and below == pytest.approx(above, rel=1e-6)


def test_its_likelihood_is_that_of_customers_drawn_from_it() -> None:
    """The share without a repeat, integrated over rates instead of by the formula."""
    rng = np.random.default_rng(3)
    rates, stops = rng.gamma(0.8, 1 / 6.0, 400_000), rng.gamma(0.6, 1 / 9.0, 400_000)
    lives = np.minimum(rng.exponential(1, 400_000) / stops, 20)
    none = np.exp(-rates * lives).mean()
    found = np.exp(ParetoModel(0.8, 6.0, 0.6, 9.0).log_likelihood(_customers((0, 0, 20))))
    assert found == pytest.approx([none], abs=2e-3)
