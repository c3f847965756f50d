"""What scores of leads, contracts and customers may know on a day of the past, worked out by hand, and that
another future changes none of it.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, cast

import duckdb
import numpy as np
import pytest

from orchestration.insight.lead_scores import lead_panel, leads
from orchestration.insight.panel import Panel
from orchestration.insight.renewal_scores import contracts, renewal_panel
from orchestration.insight.scores import customer_panel

DAY, LATER = date(2025, 3, 31), date(2026, 12, 31)
ABOUT = Callable[[duckdb.DuckDBPyConnection, Sequence[date], date], tuple[Panel, list[tuple[Any, ...]]]]


def _company() -> duckdb.DuckDBPyConnection:
    """Four leads, four contracts and their customers around the last day of March 2025."""
    con = duckdb.connect(":memory:")
    con.execute("create schema revenue")
    con.execute("""
        create table revenue.leads (lead_id varchar, person_id varchar, created_on date, lead_source varchar);
        insert into revenue.leads values
            ('answered', 'p1', '2025-03-01', 'web'), ('silent', 'p2', '2025-03-31', null),
            ('deal already', 'p3', '2025-03-01', 'web'), ('old', 'p4', '2024-09-01', 'web');
        create table revenue.funnel_entries (person_id varchar, funnel_stage varchar, stage_order bigint,
            entered_on date);
        insert into revenue.funnel_entries values
            ('p1', 'lead', 2, '2025-03-01'), ('p1', 'mql', 3, '2025-03-11'),
            ('p1', 'sql', 4, '2025-04-01'), ('p3', 'opportunity', 5, '2025-03-31');
        create table revenue.opportunities (person_id varchar, opened_on date);
        insert into revenue.opportunities values
            ('p1', '2025-06-29'), ('p2', '2025-06-30');
        create table revenue.touches (person_id varchar, account_id varchar, direction varchar,
            is_human boolean, occurred_on date);
        insert into revenue.touches values
            ('p1', 'a', 'inbound', false, '2025-02-28'), ('p1', 'a', 'inbound', false, '2025-03-02'),
            ('p1', 'a', 'outbound', false, '2025-03-03'), ('p1', 'a', 'outbound', true, '2025-03-05'),
            ('p1', 'a', 'outbound', true, '2025-04-01');
        create table revenue.contracts (contract_id varchar, account_id varchar, term_starts_on date,
            term_ends_on date, signed_on date, annual_recurring_amount decimal(38, 6),
            renews_contract_id varchar, auto_renews boolean, status varchar,
            segment varchar default 'SMB', region varchar default 'EMEA');
        insert into revenue.contracts (contract_id, account_id, term_starts_on, term_ends_on, signed_on,
            annual_recurring_amount, renews_contract_id, auto_renews, status) values
            ('renewed late', 'a', '2024-06-01', '2025-06-01', '2024-06-01', 1200, null, true, null),
            ('successor', 'a', '2025-06-01', '2026-06-01', '2025-08-30', 1500, 'renewed late', true, null),
            ('too late', 'b', '2024-06-01', '2025-06-01', '2024-05-01', 600, null, null, null),
            ('its successor', 'b', '2025-06-01', '2026-06-01', '2025-08-31', 600, 'too late', null, null),
            ('done before', 'c', '2024-06-01', '2025-06-01', '2024-06-01', 700, null, false, null),
            ('early', 'c', '2025-06-01', '2026-06-01', '2025-03-31', 700, 'done before', false, null),
            ('pending one', 'd', '2024-06-01', '2025-06-01', '2024-06-01', 800, null, false, null),
            ('unsigned', 'd', '2025-06-01', '2026-06-01', null, 800, 'pending one', false, 'pending'),
            ('far away', 'd', '2024-06-01', '2025-09-28', '2024-06-01', 900, null, false, null);
        create table revenue.recurring_revenue_history (account_id varchar, valid_from date, valid_to date,
            amount decimal(38, 6), is_customer boolean);
        insert into revenue.recurring_revenue_history values
            ('a', '2024-06-01', '2025-01-01', 800.0, true),
            ('a', '2025-01-01', '9999-12-31', 1200.0, true),
            ('b', '2024-06-01', '2025-06-01', 600.0, true),
            ('b', '2025-06-01', '9999-12-31', 0.0, false);
        create table revenue.accounts as select 'a' as account_id, 'SMB' as segment, 'EMEA' as region;
        create table revenue.tickets (account_id varchar, opened_on date);
        insert into revenue.tickets values
            ('a', '2025-03-31'), ('a', '2025-04-01');
        create table revenue.surveys (account_id varchar, kind varchar, score double, answered_on date);
        insert into revenue.surveys values
            ('a', 'nps', 8.0, '2025-03-31'), ('a', 'nps', 0.0, '2025-04-01');
    """)
    return con


def _another_future(con: duckdb.DuckDBPyConnection) -> None:
    """Nothing that happened after the day happened; something else did."""
    for table, column in (
        ("funnel_entries", "entered_on"),
        ("opportunities", "opened_on"),
        ("touches", "occurred_on"),
        ("tickets", "opened_on"),
        ("surveys", "answered_on"),
    ):
        con.execute(f"delete from revenue.{table} where {column} > ?", [DAY])
    con.execute("delete from revenue.contracts where term_starts_on > ? and contract_id <> 'early'", [DAY])
    con.execute(
        "update revenue.recurring_revenue_history set valid_to = date '9999-12-31' where account_id = 'b'"
        " and is_customer"
    )
    con.execute("delete from revenue.recurring_revenue_history where not is_customer")
    con.execute("insert into revenue.opportunities values ('p2', date '2025-04-01')")
    con.execute("insert into revenue.touches values ('p2', 'b', 'inbound', true, date '2025-04-01')")
    con.execute("insert into revenue.tickets values ('b', date '2025-04-01')")
    con.execute("insert into revenue.surveys values ('b', 'nps', 1, date '2025-04-01')")
    con.execute("insert into revenue.funnel_entries values ('p2', 'customer', 6, date '2025-04-02')")


def test_leads_are_seen_as_of_the_day() -> None:
    panel, about = lead_panel(_company(), [DAY], LATER)
    assert about == [("answered",), ("silent",)]
    # the deal of the 90th day counts, that of the 91st does not
    assert panel.label.tolist() == [1.0, 0.0]
    assert panel.words["stage"].tolist() == ["mql", "unknown"]
    assert panel.words["source"].tolist() == ["web", "unknown"]
    numbers = {name: np.expm1(values).round(6).tolist() for name, values in panel.numbers.items()}
    assert numbers["age"] == [30, 0]
    assert numbers["days in stage"][0] == 20 and np.isnan(numbers["days in stage"][1])
    # the first answer of a person, not of a machine; touches of 1 March and later are 30 days
    assert numbers["days since the first response"][0] == 26
    assert numbers["inbound touches in 30 days"] == [1, 0]
    assert numbers["outbound touches in 30 days"] == [2, 0]
    assert numbers["days since the last touch"][0] == 26


def test_contracts_are_seen_as_of_the_day() -> None:
    panel, about = renewal_panel(_company(), [DAY], LATER)
    assert [row[0] for row in about] == ["pending one", "renewed late", "too late"]
    # signed on the last day of the grace, one day after it, and never
    assert panel.label.tolist() == [1.0, 0.0, 1.0]
    assert panel.words["renews by itself"].tolist() == ["no", "yes", "unknown"]
    assert panel.numbers["days to the due day"].tolist() == [62.0, 62.0, 62.0]
    assert panel.numbers["growth in 180 days"][1:].round(6).tolist() == [0.5, 0.0]
    assert np.expm1(panel.numbers["tickets in 90 days"]).round(6).tolist() == [0, 1, 0]
    assert panel.numbers["satisfaction"][1] == 0.8
    undecided, _ = renewal_panel(_company(), [DAY], date(2025, 8, 29))
    assert np.isnan(undecided.label).all()


@pytest.mark.parametrize("panel_of", [lead_panel, renewal_panel, customer_panel])
def test_another_future_of_people_and_customers_changes_no_feature(panel_of: ABOUT) -> None:
    con = _company()
    before, known = panel_of(con, [DAY], LATER)
    _another_future(con)
    after, about = panel_of(con, [DAY], LATER)
    assert about == known
    assert before.label.tolist() != after.label.tolist()
    for name, words in before.words.items():
        assert words.tolist() == after.words[name].tolist()
    for name, numbers in before.numbers.items():
        assert np.array_equal(numbers, after.numbers[name], equal_nan=True), name


def test_a_company_without_leads_and_contracts_has_no_scores() -> None:
    con = _company()
    con.execute("delete from revenue.leads; delete from revenue.contracts")
    needs = "50 cases with the outcome; there are 0"
    for scores in (leads, contracts):
        rows, record = scores(con, LATER)
        assert rows == [] and [row[-1] for row in record] == [needs]


def test_a_known_habit_is_found_and_what_comes_later_changes_no_chance() -> None:
    """Three of five referred leads become deals after five weeks, of others one of five."""
    con = _company()
    con.execute("delete from revenue.leads; delete from revenue.opportunities; delete from revenue.touches")
    con.execute("""
        insert into revenue.leads
        select 'L' || n, 'q' || n, date '2023-01-01' + n, case when n % 2 = 0 then 'referral' else 'list' end
        from (select cast(range as integer) as n from range(1000)) as days;
        insert into revenue.opportunities
        select person_id, created_on + 35 from revenue.leads
        where cast(lead_id[2:] as integer) % 10 in (0, 1, 4, 6)
    """)
    as_of = date(2025, 6, 30)
    rows, record = leads(con, as_of)
    assert [(row[1], row[2]) for row in record] == [("model", True), ("base_rate", False)]
    fresh = {str(row[0]): cast(float, row[2]) for row in rows if int(str(row[0])[1:]) > 880}
    referred, listed = ([c for name, c in fresh.items() if int(name[1:]) % 2 == odd] for odd in (0, 1))
    assert np.mean(referred) == pytest.approx(0.6, abs=0.1)
    assert np.mean(listed) == pytest.approx(0.2, abs=0.1)
    con.execute(
        "insert into revenue.leads select 'M' || lead_id, 'm', created_on + 3000, 'list' from revenue.leads"
    )
    con.execute("insert into revenue.opportunities select person_id, date '2025-07-01' from revenue.leads")
    assert leads(con, as_of) == (rows, record)
