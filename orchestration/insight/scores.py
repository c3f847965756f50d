"""Which open deals will be won, which customers will stay? Every day of the past is looked at as it was
then known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import duckdb
import numpy as np

from orchestration.insight.pipeline import States, read_states
from orchestration.insight.scoring import Learned, Panel, learn
from orchestration.insight.tables import write_table
from orchestration.settings import Reporting

DEAL_DAYS = 180
CUSTOMER_DAYS = 180
VERSION = "logistic 1"
BASE_RATE = "base rate"
AT_RISK, WATCH = 0.85, 0.95

DEAL_COLUMNS = {
    "opportunity_id": "varchar",
    "as_of": "date",
    "win_probability": "double",
    "baseline_probability": "double",
    "source_probability": "double",
    "model_version": "varchar",
    "reasons": "varchar",
    "null_reason": "varchar",
    "needs": "varchar",
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
    "model_version": "varchar",
    "reasons": "varchar",
    "null_reason": "varchar",
    "needs": "varchar",
}
RECORD_COLUMNS = {
    "model": "varchar",
    "method": "varchar",
    "is_shown": "boolean",
    "cases": "bigint",
    "positives": "bigint",
    "log_loss": "double",
    "brier": "double",
    "calibration_error": "double",
    "area_under_curve": "double",
    "lift_of_top_tenth": "double",
    "needs": "varchar",
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
    """Write `insight.opportunity_scores`, `insight.account_health` and `insight.score_records`."""
    deals, deal_record = _deals(con, as_of, reporting)
    customers, customer_record = _customers(con, as_of)
    write_table(con, "opportunity_scores", DEAL_COLUMNS, deals)
    write_table(con, "account_health", CUSTOMER_COLUMNS, customers)
    write_table(con, "score_records", RECORD_COLUMNS, [*deal_record, *customer_record])


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
    return Panel(on, states.deal[at], label, words, numbers), states.probability[at], at


def _deals(
    con: duckdb.DuckDBPyConnection, as_of: date, reporting: Reporting
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    states = read_states(con, reporting.timezone)
    first = date.fromordinal(min(states.first_day, as_of.toordinal()))
    days = [*_month_ends(first + timedelta(days=30), as_of), as_of]
    panel, source, at = deal_panel(con, states, days, as_of)
    learned = learn(panel, DEAL_DAYS, source)
    now = panel.day == as_of.toordinal()
    rows: list[tuple[object, ...]] = []
    shown = _shown(learned, panel.rows(now))
    for index, (chance, version, reasons) in zip(np.flatnonzero(now), shown, strict=True):
        own = None if np.isnan(source[index]) else round(float(source[index]), 6)
        reason = None if chance is not None else "insufficient_history"
        name = states.names[int(states.deal[at[index]])]
        said = (chance, _rounded(learned.base_rate), own, version, reasons, reason, learned.needs)
        rows.append((name, as_of, *said))
    return rows, list(_record("opportunity won within 180 days", learned))


def customer_panel(
    con: duckdb.DuckDBPyConnection, days: Sequence[date], as_of: date
) -> tuple[Panel, list[tuple[object, ...]]]:
    """Customers at the end of each day, and per row account, recurring amount and the end of the running
    contract. The label is 1 for a customer that is none any more so many days later.
    """
    found = con.execute(_CUSTOMERS.replace("{days}", str(CUSTOMER_DAYS)), {"days": list(days)}).fetchall()
    codes = {account: code for code, account in enumerate(sorted({row[1] for row in found}))}
    day = np.array([row[0].toordinal() for row in found], int)

    def number(position: int) -> np.ndarray:
        return np.array([np.nan if row[position] is None else float(row[position]) for row in found])

    due = [None if row[6] is None else (row[6] - row[0]).days for row in found]
    amount, before = number(2), number(7)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(before > 0, np.clip(amount / before - 1, -1, 2), np.nan)
    label = np.array([np.nan if row[11] is None else float(not row[11]) for row in found])
    label = np.where(day + CUSTOMER_DAYS <= as_of.toordinal(), label, np.nan)
    panel = Panel(
        day,
        np.array([codes[row[1]] for row in found], int),
        label,
        {
            "segment": np.array([row[3] for row in found], dtype=object),
            "region": np.array([row[4] for row in found], dtype=object),
            "contract ends": np.array([_due(days_left) for days_left in due], dtype=object),
        },
        {
            "tenure": np.log1p(number(5)),
            "recurring amount": np.log1p(amount),
            "growth in 180 days": growth,
            "tickets in 90 days": np.log1p(number(8)),
            "satisfaction": number(9),
            "touches in 90 days": np.log1p(number(10)),
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
    days = [*(_month_ends(first + timedelta(days=30), as_of) if first else []), as_of]
    panel, about = customer_panel(con, days, as_of)
    learned = learn(panel, CUSTOMER_DAYS)
    now = panel.day == as_of.toordinal()
    rows: list[tuple[object, ...]] = []
    base = None if learned.base_rate is None else _rounded(1 - learned.base_rate)
    shown = _shown(learned, panel.rows(now))
    for index, (risk, version, reasons) in zip(np.flatnonzero(now), shown, strict=True):
        account, amount, due_on = about[int(index)]
        assert isinstance(amount, float)
        health = None if risk is None else round(1 - risk, 6)
        status = None
        if health is not None:
            status = "at risk" if health < AT_RISK else "watch" if health < WATCH else "good"
        loss = None if risk is None else round(amount * risk, 2)
        reason = None if risk is not None else "insufficient_history"
        money = (loss, round(amount, 2), due_on)
        rows.append((account, as_of, health, base, status, *money, version, reasons, reason, learned.needs))
    return rows, list(_record("customer lost within 180 days", learned))


def _shown(learned: Learned, panel: Panel) -> Iterator[tuple[float | None, str | None, str]]:
    """Chance, what it is from, and why, for every row."""
    if learned.model is None:
        for _ in panel.day:
            yield None, None, "[]"
    elif not learned.is_shown:
        for _ in panel.day:
            yield _rounded(learned.base_rate), BASE_RATE, "[]"
    else:
        chances, reasons = learned.model.chances(panel), learned.model.reasons(panel)
        for chance, why in zip(chances, reasons, strict=True):
            said = [{"feature": name, "log_odds": effect} for name, effect in why]
            yield round(float(chance), 6), VERSION, json.dumps(said)


def _record(model: str, learned: Learned) -> Iterator[tuple[object, ...]]:
    if not learned.measures:
        yield (model, "model", False, *(None,) * 7, learned.needs)
    for method, found in learned.measures.items():
        numbers = (found.log_loss, found.brier, found.calibration_error, found.area, found.lift)
        rounded = [round(number, 6) for number in numbers]
        is_shown = learned.is_shown == (method == "model") and method != "source"
        needs = learned.needs if method == "model" else None
        yield (model, method, is_shown, found.cases, found.positives, *rounded, needs)


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


def _month_ends(first: date, before: date) -> list[date]:
    """Last days of months from a day to before another."""
    found: list[date] = []
    month = first.replace(day=1)
    while True:
        month = (month + timedelta(days=32)).replace(day=1)
        end = month - timedelta(days=1)
        if end >= before:
            return found
        if end >= first:
            found.append(end)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(float(number), 6)
