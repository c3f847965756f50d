"""Which open deals will be won, which customers will stay, which contracts will be renewed, which leads
become deals? Every day of the past is looked at as it was then known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import numpy as np

from orchestration.insight import lead_scores, renewal_scores
from orchestration.insight.panel import Panel
from orchestration.insight.pipeline import States, read_states
from orchestration.insight.score_tables import (
    RECORD_COLUMNS,
    WHY_COLUMNS,
    cases,
    column,
    ordinals,
    past_days,
    records,
    risk_status,
    rounded,
    shown,
    texts,
)
from orchestration.insight.scoring import learn
from orchestration.insight.tables import write_table
from orchestration.settings import Reporting

DEAL_DAYS = 180
CUSTOMER_DAYS = 180

DEAL_COLUMNS = {
    "opportunity_id": "varchar",
    "as_of": "date",
    "win_probability": "double",
    "baseline_probability": "double",
    "source_probability": "double",
    **WHY_COLUMNS,
}
CUSTOMER_COLUMNS = {
    "account_id": "varchar",
    "as_of": "date",
    "health": "double",
    "baseline_health": "double",
    "status": "varchar",
    "amount_at_risk": "double",
    "recurring_amount": "double",
    "next_renewal_on": "date",
    **WHY_COLUMNS,
}

_CUSTOMERS = """
with looked_at as (
    select unnest($days::date[]) as day
),

customers as (
    select looked_at.day, history.account_id, cast(history.amount as double) as amount
    from looked_at
    inner join revenue.recurring_revenue_history as history
        on looked_at.day >= history.valid_from and looked_at.day < history.valid_to and history.is_customer
),

began as (
    select account_id, min(valid_from) as became_on
    from revenue.recurring_revenue_history where is_customer group by account_id
)

select
    customers.day,
    customers.account_id,
    customers.amount,
    coalesce(accounts.segment, 'unknown') as segment,
    coalesce(accounts.region, 'unknown') as region,
    date_diff('day', began.became_on, customers.day) as tenure,
    (
        select min(term_ends_on) from revenue.contracts
        where
            contracts.account_id = customers.account_id and term_ends_on > customers.day
            and term_starts_on <= customers.day and coalesce(signed_on, term_starts_on) <= customers.day
    ) as due_on,
    (
        select cast(before.amount as double) from revenue.recurring_revenue_history as before
        where
            before.account_id = customers.account_id
            and customers.day - 180 >= before.valid_from and customers.day - 180 < before.valid_to
    ) as amount_before,
    (
        select count(*) from revenue.tickets
        where
            tickets.account_id = customers.account_id
            and opened_on > customers.day - 90 and opened_on <= customers.day
    ) as tickets,
    (
        select avg(case when kind = 'nps' then score / 10 else score end) from revenue.surveys
        where
            surveys.account_id = customers.account_id
            and answered_on > customers.day - 365 and answered_on <= customers.day
    ) as satisfaction,
    (
        select count(*) from revenue.touches
        where
            touches.account_id = customers.account_id
            and occurred_on > customers.day - 90 and occurred_on <= customers.day
    ) as touches,
    (
        select bool_or(later.is_customer) from revenue.recurring_revenue_history as later
        where
            later.account_id = customers.account_id
            and customers.day + {days} >= later.valid_from and customers.day + {days} < later.valid_to
    ) as stays
from customers
inner join began using (account_id)
left join revenue.accounts as accounts using (account_id)
order by customers.day, customers.account_id
"""


def write(con: duckdb.DuckDBPyConnection, as_of: date, reporting: Reporting) -> None:
    """Write a table of schema `insight` for each kind of case, and `insight.score_records`."""
    found = {
        "opportunity_scores": (DEAL_COLUMNS, _deals(con, as_of, reporting)),
        "account_health": (CUSTOMER_COLUMNS, _customers(con, as_of)),
        "renewal_risk": (renewal_scores.COLUMNS, renewal_scores.contracts(con, as_of)),
        "lead_scores": (lead_scores.COLUMNS, lead_scores.leads(con, as_of)),
    }
    record: list[tuple[object, ...]] = []
    for name, (columns, (rows, of_model)) in found.items():
        write_table(con, name, columns, rows)
        record += of_model
    write_table(con, "score_records", RECORD_COLUMNS, record)


def deal_panel(
    con: duckdb.DuckDBPyConnection, states: States, days: Sequence[date], as_of: date
) -> tuple[Panel, np.ndarray, np.ndarray]:
    """Open deals at the end of each day, with the probability of the source and the positions of their
    states.
    """
    touched = _touches(con, states)
    pushes, stage_since = _pushes(states), _stage_since(states)
    rows: list[np.ndarray] = []
    ordinals: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for day in (each.toordinal() for each in days):
        now = states.at(day)
        now = now[~states.is_closed[now]]
        rows.append(now)
        ordinals.append(np.full(len(now), day))
        label = np.full(len(now), np.nan)
        if day + DEAL_DAYS <= as_of.toordinal():
            then = states.at(day + DEAL_DAYS)
            won = then[states.is_won[then] & (states.closed[then] <= day + DEAL_DAYS)]
            label = np.isin(states.deal[now], states.deal[won]).astype(float)
        labels.append(label)
    at = np.concatenate(rows) if rows else np.array([], int)
    on = np.concatenate(ordinals) if ordinals else np.array([], int)
    expected = states.expected_close[at]
    numbers = {
        "age": np.log1p(np.maximum(on - states.opened[at], 0)),
        "days in stage": np.log1p(np.maximum(on - stage_since[at], 0)),
        "amount": np.log1p(np.maximum(states.value(at, on), 0)),
        "days to expected close": np.where(expected > 0, np.clip(expected - on, -90.0, 365.0), np.nan),
        "times put off": pushes[at].astype(float),
        "touches in 30 days": np.log1p(_touches_before(touched, states.deal[at], on, 30)),
    }
    words = {
        "stage": states.stage[at],
        "kind": states.kind[at],
        # early stages of a renewal say something else than those of new business
        "stage of the kind": states.kind[at] * 64 + states.stage[at],
        "segment": states.segment[at],
        "team": states.team[at],
    }
    label = np.concatenate(labels) if labels else np.array([])
    panel = Panel(on, on + DEAL_DAYS, states.deal[at], label, words, numbers)
    # what the source says is no feature: where it has no history, later values are read back
    return panel, states.probability[at], at


def _deals(
    con: duckdb.DuckDBPyConnection, as_of: date, reporting: Reporting
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    states = read_states(con, reporting.timezone)
    first = date.fromordinal(min(states.first_day, as_of.toordinal()))
    panel, source, at = deal_panel(con, states, past_days(first, as_of), as_of)
    learned = learn(panel, source)
    now = panel.day == as_of.toordinal()
    rows: list[tuple[object, ...]] = []
    for index, (chance, why) in zip(np.flatnonzero(now), shown(learned, panel.rows(now)), strict=True):
        own = None if np.isnan(source[index]) else rounded(source[index])
        name = states.names[int(states.deal[at[index]])]
        rows.append((name, as_of, chance, rounded(learned.base_rate), own, *why))
    return rows, list(records("opportunity won within 180 days", learned))


def customer_panel(
    con: duckdb.DuckDBPyConnection, days: Sequence[date], as_of: date
) -> tuple[Panel, list[tuple[object, ...]]]:
    """Customers at the end of each day, and per row account, recurring amount and the end of the running
    contract. The label is 1 for a customer that is none any more so many days later.
    """
    found = con.execute(_CUSTOMERS.replace("{days}", str(CUSTOMER_DAYS)), {"days": list(days)}).fetchall()
    day = ordinals(found, 0)
    due = [None if row[6] is None else (row[6] - row[0]).days for row in found]
    amount, before = column(found, 2), column(found, 7)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(before > 0, np.clip(amount / before - 1, -1, 2), np.nan)
    label = np.array([np.nan if row[11] is None else float(not row[11]) for row in found])
    label = np.where(day + CUSTOMER_DAYS <= as_of.toordinal(), label, np.nan)
    panel = Panel(
        day,
        day + CUSTOMER_DAYS,
        cases(found, 1),
        label,
        {
            "segment": texts(found, 3),
            "region": texts(found, 4),
            "contract ends": np.array([_due(days_left) for days_left in due], dtype=object),
        },
        {
            "tenure": np.log1p(column(found, 5)),
            "recurring amount": np.log1p(amount),
            "growth in 180 days": growth,
            "tickets in 90 days": np.log1p(column(found, 8)),
            "satisfaction": column(found, 9),
            "touches in 90 days": np.log1p(column(found, 10)),
        },
    )
    return panel, [(row[1], row[2], row[6]) for row in found]


def _due(days_left: int | None) -> str:
    if days_left is None:
        return "none"
    return "in 90 days" if days_left <= 90 else "in 180 days" if days_left <= 180 else "later"


def _customers(
    con: duckdb.DuckDBPyConnection, as_of: date
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    first = con.execute("select min(valid_from) from revenue.recurring_revenue_history").fetchall()[0][0]
    panel, about = customer_panel(con, past_days(first, as_of), as_of)
    learned = learn(panel)
    now = panel.day == as_of.toordinal()
    rows: list[tuple[object, ...]] = []
    base = None if learned.base_rate is None else rounded(1 - learned.base_rate)
    for index, (risk, why) in zip(np.flatnonzero(now), shown(learned, panel.rows(now)), strict=True):
        account, amount, due_on = about[int(index)]
        assert isinstance(amount, float)
        health = None if risk is None else round(1 - risk, 6)
        loss = None if risk is None else round(amount * risk, 2)
        money = (loss, round(amount, 2), due_on)
        rows.append((account, as_of, health, base, risk_status(risk, learned), *money, *why))
    return rows, list(records("customer lost within 180 days", learned))


def _touches(con: duckdb.DuckDBPyConnection, states: States) -> dict[int, np.ndarray]:
    """Days of the touches of every deal, in order."""
    codes = {name: code for code, name in enumerate(states.names)}
    found: dict[int, list[int]] = {}
    for name, day in con.execute(
        "select opportunity_id, occurred_on from revenue.touches"
        " where opportunity_id is not null and occurred_on is not null order by 2, 1"
    ).fetchall():
        if name in codes:
            found.setdefault(codes[name], []).append(day.toordinal())
    return {deal: np.array(days) for deal, days in found.items()}


def _touches_before(
    touched: dict[int, np.ndarray], deals: np.ndarray, on: np.ndarray, days: int
) -> np.ndarray:
    none = np.array([], int)
    found = []
    for deal, day in zip(deals, on, strict=True):
        first, last = np.searchsorted(touched.get(int(deal), none), [day - days, day], "right")
        found.append(float(last - first))
    return np.array(found)


def _pushes(states: States) -> np.ndarray:
    """How often the expected close had been moved to later, by every state."""
    found = np.zeros(len(states.deal), int)
    for index in range(1, len(found)):
        if states.deal[index] == states.deal[index - 1]:
            later = 0 < states.expected_close[index - 1] < states.expected_close[index]
            found[index] = found[index - 1] + int(later)
    return found


def _stage_since(states: States) -> np.ndarray:
    """The day on which the stage of every state began."""
    found = states.since.copy()
    for index in range(1, len(found)):
        same = states.deal[index] == states.deal[index - 1] and states.stage[index] == states.stage[index - 1]
        found[index] = found[index - 1] if same else states.since[index]
    return found
