"""The 95 % intervals beside a value, against textbook numbers and such as can be checked by hand."""

from math import exp, sqrt

import pytest
from kpi_cases import Case, deal, lost, rows, won

Z = 1.959963984540054
# Freireich et al. (1963): weeks until a relapse without treatment, here days until a reply
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


@rows(
    tickets=[
        {
            "account_source_id": "account",
            "opened_at": "2026-04-01 00:00",
            "first_replied_at": f"2026-04-{1 + days:02} 00:00",
        }
        for days in PLACEBO
    ]
    # five are too few
    + [
        {
            "account_source_id": "account",
            "opened_at": "2026-02-01 00:00",
            "first_replied_at": f"2026-02-0{day} 00:00",
        }
        for day in (2, 3, 4, 5, 6)
    ],
)
def test_the_interval_of_a_censored_median_is_where_the_band_of_the_curve_crosses_one_half(
    case: Case,
) -> None:
    # 14/21 − 1.96 × 0.103 lies under one half first, after 4 days; 6/21 + 1.96 × 0.099 does after 11
    found = case.kpi("first_reply_time", grain="month", start="2026-04")
    assert (found.value, found.value_low, found.value_high) == (8, 4, 11)
    few = case.kpi("first_reply_time", grain="month", start="2026-02")
    assert (few.value, few.value_low, few.value_high) == (3, None, None)


@rows(
    opportunities=[won("2026-03-31", f"2026-03-{31 - days:02}", amount=days) for days in range(1, 11)]
    + [lost("2026-02-28", f"2026-02-{28 - days:02}") for days in range(1, 8)],
)
def test_the_interval_of_a_percentile_lies_between_two_of_the_values(case: Case) -> None:
    # ten values, five of them below the median give or take 1.96 × √2.5 = 3.1: from the first to the tenth
    for kpi, variant in (("sales_cycle_length", "default"), ("average_deal_size", "median")):
        found = case.kpi(kpi, variant, "month", "2026-03")
        assert (found.value, found.value_low, found.value_high) == (5.5, 1, 10), kpi
    # 9 of 10 below the 90th percentile: the upper end would be beyond the tenth
    assert case.kpi("sales_cycle_length", "p90", "month", "2026-03").value_high is None
    # seven are too few: 3.5 − 2.6 is less than one
    found = case.kpi("sales_cycle_length", "lost", "month", "2026-02")
    assert (found.value, found.value_low, found.value_high) == (4, None, None)


@rows(
    opportunities=[won("2026-05-31", "2026-05-21", amount=100) for _ in range(6)]
    + [won("2026-05-31", "2026-05-01", amount=300) for _ in range(6)]
    + [lost("2026-05-31", "2026-05-01", amount=900) for _ in range(18)]
    + [deal("Offer", opened="2026-05-31")],
)
def test_the_interval_of_pipeline_velocity_follows_from_amounts_cycles_and_win_rate_together(
    case: Case,
) -> None:
    # one deal × 200 × 12/30 ÷ 20 days. Amounts (±50 %) and cycles (±50 %) go together and cancel out: what
    # is left is the win rate, relative variance 1/12 − 1/30
    spread = exp(Z * sqrt(1 / 12 - 1 / 30))
    found = case.kpi("pipeline_velocity")
    assert found.value == pytest.approx(4)
    assert found.value_low == pytest.approx(4 / spread)
    assert found.value_high == pytest.approx(4 * spread)
    assert case.kpi("pipeline_velocity", "per_month").value_high == pytest.approx(4 * spread * 365 / 12)
    assert case.kpi("pipeline_velocity", "median_cycle").value_high is None


@rows(
    surveys=[
        {"account_source_id": "account", "kind": "nps", "answered_at": "2026-05-10", "score": score}
        for score in [10] * 18 + [8] * 6 + [0] * 12
    ]
    + [{"account_source_id": "account", "kind": "csat", "answered_at": "2026-05-10", "score": 1}] * 4
)
def test_shares_have_the_interval_of_wilson_and_net_promoters_that_of_a_mean(case: Case) -> None:
    # 18 − 12 of 36: variance 30/36 − 1/36
    found = case.kpi("satisfaction", "nps")
    assert found.value == pytest.approx(1 / 6)
    assert found.value_low == pytest.approx(1 / 6 - Z * sqrt((30 / 36 - 1 / 36) / 36))
    assert found.value_high == pytest.approx(1 / 6 + Z * sqrt((30 / 36 - 1 / 36) / 36))
    # 4 of 4: from 1 ÷ (1 + z²/4) to 1
    csat = case.kpi("satisfaction", "csat")
    assert csat.value_low == pytest.approx(1 / (1 + Z * Z / 4))
    assert csat.value_high == pytest.approx(1)
