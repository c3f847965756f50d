"""Scores of deals and customers: what they may know, when they are refused, and that chances mean what
they say.
"""

from dataclasses import replace
from datetime import date, timedelta

import duckdb
import numpy as np
import pytest
from made_up_deals import MadeUpCompany, another_future, lived

from orchestration.insight.logistic import chances
from orchestration.insight.measures import measure
from orchestration.insight.panel import Panel
from orchestration.insight.pipeline import read_states
from orchestration.insight.score_tables import risk_status
from orchestration.insight.scores import customer_panel, deal_panel, write
from orchestration.insight.scoring import MINIMUM_CASES, _walk, learn
from orchestration.settings import Reporting

UNTIL = date(2024, 12, 31)


def _drawn(seed: int, rows: int, effect: float = 1.5) -> tuple[Panel, np.ndarray]:
    """Cases over two years whose chance depends on a word and a number as said, and the chances."""
    rng = np.random.default_rng(seed)
    word = rng.choice(["a", "b", "c"], size=rows)
    number = rng.normal(size=rows)
    odds = -0.5 + effect * (word == "a") - effect * (word == "b") + effect / 2 * number
    chance = 1 / (1 + np.exp(-odds))
    label = (rng.random(rows) < chance).astype(float)
    day = np.sort(rng.integers(738000, 738730, size=rows))
    numbers = {"number": number, "noise": rng.normal(size=rows)}
    panel = Panel(day, day + 30, np.arange(rows), label, {"word": word}, numbers)
    return panel, chance


def test_measures_are_worked_out_by_hand() -> None:
    found = measure(np.array([0.8, 0.6, 0.4, 0.2]), np.array([1.0, 0.0, 1.0, 0.0]))
    # squared errors 0.04, 0.36, 0.36, 0.04; of the four pairs only 0.4 against 0.6 is in the wrong order
    assert (found.brier, found.area, found.lift) == pytest.approx((0.2, 0.75, 2.0))
    assert found.log_loss == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    assert found.calibration_error == pytest.approx((0.2 + 0.6 + 0.6 + 0.2) / 4)


def test_known_chances_are_found_with_their_reasons_and_are_calibrated() -> None:
    panel, chance = _drawn(1, 6000)
    learned = learn(panel)
    assert learned.is_shown and learned.model is not None
    assert learned.measures["model"].calibration_error <= 0.05
    assert learned.measures["model"].log_loss < learned.measures["base_rate"].log_loss - 0.05
    assert np.abs(chances(learned.model.odds(panel)) - chance).mean() < 0.03
    strongest = [why[0][0] for why in learned.model.reasons(panel)]
    assert strongest.count("noise") < 0.02 * len(strongest)
    of_a = [
        dict(why).get("word", 0.0)
        for why, word in zip(learned.model.reasons(panel), panel.words["word"], strict=True)
        if word == "a"
    ]
    assert min(of_a) > 1.0


def test_too_few_outcomes_are_refused_with_how_many_it_takes() -> None:
    panel, _ = _drawn(2, 120)
    learned = learn(panel)
    distinct = int(panel.label.sum())
    assert distinct < MINIMUM_CASES and learned.model is None
    assert learned.needs == f"50 cases with the outcome; there are {distinct}"


def test_the_same_case_on_many_days_counts_once() -> None:
    panel, _ = _drawn(3, 2000)
    same = replace(panel, group=panel.group % 40)
    assert learn(same).model is None


def test_a_single_case_is_called_at_risk_by_a_model_only() -> None:
    learned = learn(_drawn(1, 800, effect=2.0)[0])
    assert [risk_status(risk, learned) for risk in (0.05, 0.15, 0.16, None)] == [
        "good",
        "watch",
        "at risk",
        None,
    ]
    assert risk_status(0.16, replace(learned, needs="more cases")) is None


def test_where_nothing_can_be_known_the_base_rate_is_shown() -> None:
    shown = sum(learn(_drawn(seed, 800, effect=0.0)[0]).is_shown for seed in range(20))
    # the base rate is the truth; a model that is better beyond chance is one of twenty
    assert shown <= 2


def test_what_is_not_decided_teaches_nothing() -> None:
    panel, _ = _drawn(4, 3000)
    later = panel.day > 738600
    undecided = replace(panel, label=np.where(later, np.nan, panel.label))
    assert learn(undecided).measures == learn(panel.rows(~later)).measures


def test_every_day_is_foretold_from_what_was_decided_before_it() -> None:
    panel, _ = _drawn(9, 3000)
    turned = panel.day > 738500
    other = replace(panel, label=np.where(turned, 1 - panel.label, panel.label))
    one, two = (_walk(each) for each in (panel, other))
    # the walk goes in blocks of a twelfth of the days, and what is decided takes 30
    same = panel.day <= 738500
    assert np.array_equal(one.chosen[same], two.chosen[same], equal_nan=True)
    assert not np.isnan(one.chosen[same]).all()
    assert not np.array_equal(one.chosen[~same], two.chosen[~same])


def test_chances_that_are_off_are_not_shown() -> None:
    """The outcome becomes rare from the middle on, faster than a model of the past can follow."""
    panel, _ = _drawn(10, 3000)
    rng = np.random.default_rng(0)
    rare = np.where(panel.day > 738450, panel.label * (rng.random(3000) < 0.3), panel.label)
    learned = learn(replace(panel, label=rare, known_on=panel.day + 250))
    assert not learned.is_shown
    assert learned.needs is not None


@pytest.mark.parametrize("share_right", [1.0, 0.95])
def test_a_planted_outcome_is_refused(share_right: float) -> None:
    panel, _ = _drawn(11, 2000)
    rng = np.random.default_rng(1)
    told = np.where(rng.random(2000) < share_right, panel.label, 1 - panel.label)
    planted = replace(
        panel,
        words={**panel.words, "result__c": np.where(told == 1, "yes", "no")},
        numbers={**panel.numbers, "invoice__c": told * rng.lognormal(8, 1, 2000)},
    )
    learned = learn(planted)
    assert learned.refused == ["invoice__c", "result__c"]
    assert learned.measures == learn(panel).measures


def test_a_field_only_filled_in_after_the_outcome_is_refused() -> None:
    panel, _ = _drawn(12, 2000)
    rng = np.random.default_rng(2)
    lost = (panel.label == 0) & (rng.random(2000) < 0.3)
    reason = np.where(lost, rng.choice(["price", "timing"], 2000), "unknown")
    signed = np.where((panel.label == 1) & (rng.random(2000) < 0.3), rng.random(2000), np.nan)
    planted = replace(
        panel,
        words={**panel.words, "loss reason": reason},
        numbers={**panel.numbers, "signed": signed},
    )
    assert learn(planted).refused == ["loss reason", "signed"]


def test_strong_features_and_identifiers_are_not_taken_for_the_outcome() -> None:
    panel, _ = _drawn(13, 3000, effect=3.0)
    rng = np.random.default_rng(3)
    named = replace(
        panel,
        words={**panel.words, "name": np.arange(3000).astype(str)},
        numbers={**panel.numbers, "asked": np.where(rng.random(3000) < 0.5, np.nan, rng.random(3000))},
    )
    assert learn(named).refused == []


def _features(company: MadeUpCompany, day: date, as_of: date) -> dict[str, tuple[object, ...]]:
    con = company.tables()
    states = read_states(con, "UTC")
    panel, _, _ = deal_panel(con, states, [day], as_of)
    return {
        states.names[group]: (
            *(float(values[row]) for values in panel.words.values()),
            *(round(float(values[row]), 9) for values in panel.numbers.values()),
        )
        for row, group in enumerate(panel.group)
    }


@pytest.mark.parametrize("origin", [date(2024, 1, 31), date(2024, 6, 30)])
def test_another_future_changes_no_feature(origin: date) -> None:
    company = lived(5, UNTIL)
    company.touches = [("D00010", origin - timedelta(days=2))]
    other = another_future(company, origin, seed=8)
    other.touches = [*company.touches, *((f"D{n:05d}", origin + timedelta(days=1)) for n in range(900))]
    known = _features(company, origin, UNTIL)
    assert len(known) > 20 and known == _features(other, origin, UNTIL)


def test_labels_are_those_of_the_day_they_are_decided() -> None:
    company, day = lived(6, UNTIL), date(2024, 3, 31)
    con = company.tables()
    states = read_states(con, "UTC")
    panel, _, _ = deal_panel(con, states, [day], UNTIL)
    won = {
        deal.name
        for deal in company.deals
        if deal.states[-1].stage == "won" and deal.states[-1].since <= day + timedelta(days=180)
    }
    assert [states.names[group] in won for group in panel.group] == [label == 1 for label in panel.label]
    undecided, _, _ = deal_panel(con, states, [day], day + timedelta(days=179))
    assert np.isnan(undecided.label).all()


def test_every_open_deal_has_a_score_with_reasons() -> None:
    con = lived(7, UNTIL).tables()
    _customers(con)
    write(con, UNTIL, Reporting())
    rows = con.execute(
        "select win_probability, baseline_probability, reasons from insight.opportunity_scores"
    ).fetchall()
    open_deals = con.execute(
        "select count(*) from revenue.opportunity_history where valid_to is null and not is_closed"
    ).fetchall()
    assert len(rows) == open_deals[0][0] > 20
    assert all(0 < row[0] < 1 and '"feature"' in row[2] for row in rows)
    shown = con.execute(
        "select method, is_shown from insight.score_records where model like 'opportunity%'"
    ).fetchall()
    assert ("model", True) in shown and ("base_rate", False) in shown
    customers = con.execute("select health, null_reason, needs from insight.account_health").fetchall()
    assert customers == [(None, "insufficient_history", "50 cases with the outcome; there are 1")]


def _customers(con: duckdb.DuckDBPyConnection) -> None:
    """Two customers from January; b leaves on 1 July. Their tickets, contract and survey answer."""
    con.execute(
        "create table revenue.recurring_revenue_history as select * from (values"
        " ('a', date '2024-01-01', date '9999-12-31', 1200.0, true),"
        " ('b', date '2024-01-01', date '2024-07-01', 600.0, true),"
        " ('b', date '2024-07-01', date '9999-12-31', 0.0, false)"
        ") as rows (account_id, valid_from, valid_to, amount, is_customer)"
    )
    con.execute(
        "create table revenue.accounts as select 'a' as account_id, 'SMB' as segment, 'EMEA' as region"
    )
    con.execute(
        "create table revenue.contracts as select 'c' as contract_id, 'a' as account_id,"
        " date '2024-01-01' as term_starts_on, date '2025-01-01' as term_ends_on,"
        " date '2024-01-01' as signed_on, 1200.0 as annual_recurring_amount, null::varchar as status,"
        " null::varchar as renews_contract_id, true as auto_renews, 'SMB' as segment, 'EMEA' as region"
    )
    con.execute(
        "create table revenue.leads (lead_id varchar, person_id varchar, created_on date,"
        " lead_source varchar)"
    )
    con.execute(
        "create table revenue.funnel_entries (person_id varchar, funnel_stage varchar, stage_order bigint,"
        " entered_on date)"
    )
    con.execute(
        "create table revenue.tickets as select 'b' as account_id,"
        " unnest([date '2024-03-31', date '2024-04-01']) as opened_on"
    )
    con.execute(
        "create table revenue.surveys as select 'b' as account_id, 'nps' as kind, 4.0 as score,"
        " date '2024-04-01' as answered_on"
    )


def test_customers_are_seen_as_of_the_day() -> None:
    con = MadeUpCompany().tables()
    _customers(con)
    panel, about = customer_panel(con, [date(2024, 3, 31)], UNTIL)
    assert about == [("a", 1200.0, date(2025, 1, 1)), ("b", 600.0, None)]
    # b is none any more 180 days later; its ticket of the day counts, that of the next day and the answer
    # do not
    assert panel.label.tolist() == [0.0, 1.0]
    assert np.expm1(panel.numbers["tickets in 90 days"]).round(6).tolist() == [0, 1]
    assert np.isnan(panel.numbers["satisfaction"]).all()
    assert panel.words["contract ends"].tolist() == ["later", "none"]
