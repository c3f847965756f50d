"""Which contracts that fall due will not be renewed?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import numpy as np

from orchestration.insight.panel import Panel
from orchestration.insight.score_tables import (
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

AHEAD_DAYS = 180
# A successor signed as long after the due day renews the contract, as in the KPI renewals.
GRACE_DAYS = 90

COLUMNS = {
    "contract_id": "varchar",
    "as_of": "date",
    "account_id": "varchar",
    "due_on": "date",
    "risk": "double",
    "baseline_risk": "double",
    "status": "varchar",
    "amount_at_risk": "double",
    "recurring_amount": "double",
    **WHY_COLUMNS,
}

# A successor that is pending without a day of signature is none yet. A contract already renewed on the day is
# no question any more.
_CONTRACTS = f"""
with looked_at as (
    select unnest($days::date[]) as day
),

successors as (
    select renews_contract_id as contract_id, min(coalesce(signed_on, term_starts_on)) as renewed_on
    from revenue.contracts
    where
        renews_contract_id is not null
        and (signed_on is not null or coalesce(status, 'active') <> 'pending')
    group by renews_contract_id
),

due as (
    select
        looked_at.day,
        contracts.contract_id,
        contracts.account_id,
        contracts.term_ends_on as due_on,
        cast(contracts.annual_recurring_amount as double) as amount,
        date_diff('day', contracts.term_starts_on, contracts.term_ends_on) as term_days,
        contracts.auto_renews,
        coalesce(contracts.segment, 'unknown') as segment,
        coalesce(contracts.region, 'unknown') as region,
        successors.renewed_on
    from looked_at
    inner join revenue.contracts as contracts
        on
            coalesce(contracts.signed_on, contracts.term_starts_on) <= looked_at.day
            and contracts.term_starts_on <= looked_at.day
            and contracts.term_ends_on > looked_at.day
            and contracts.term_ends_on <= looked_at.day + {AHEAD_DAYS}
            and contracts.annual_recurring_amount > 0
    left join successors using (contract_id)
    where successors.renewed_on is null or successors.renewed_on > looked_at.day
)

select
    due.day,
    due.contract_id,
    due.account_id,
    due.due_on,
    due.amount,
    due.segment,
    due.region,
    case when due.auto_renews then 'yes' when not due.auto_renews then 'no' else 'unknown' end as auto_renews,
    due.term_days,
    (
        select count(*) from revenue.contracts as earlier
        where earlier.account_id = due.account_id and earlier.term_ends_on <= due.day
    ) as earlier_contracts,
    (
        select cast(now.amount as double) from revenue.recurring_revenue_history as now
        where now.account_id = due.account_id and due.day >= now.valid_from and due.day < now.valid_to
    ) as recurring,
    (
        select cast(before.amount as double) from revenue.recurring_revenue_history as before
        where
            before.account_id = due.account_id
            and due.day - 180 >= before.valid_from and due.day - 180 < before.valid_to
    ) as recurring_before,
    (
        select count(*) from revenue.tickets
        where tickets.account_id = due.account_id and opened_on > due.day - 90 and opened_on <= due.day
    ) as tickets,
    (
        select avg(case when kind = 'nps' then score / 10 else score end) from revenue.surveys
        where
            surveys.account_id = due.account_id and answered_on > due.day - 365 and answered_on <= due.day
    ) as satisfaction,
    (
        select count(*) from revenue.touches
        where touches.account_id = due.account_id and occurred_on > due.day - 90 and occurred_on <= due.day
    ) as touches,
    due.renewed_on is not null and due.renewed_on <= due.due_on + {GRACE_DAYS} as is_renewed
from due
order by due.day, due.contract_id
"""


def renewal_panel(
    con: duckdb.DuckDBPyConnection, days: Sequence[date], as_of: date
) -> tuple[Panel, list[tuple[object, ...]]]:
    """Contracts that fall due within 180 days of each day and are not renewed on it, and per row contract,
    account, due day and amount. The label is 1 for one that has no successor when the grace is over.
    """
    found = con.execute(_CONTRACTS, {"days": list(days)}).fetchall()
    day, due = ordinals(found, 0), ordinals(found, 3)
    known_on = due + GRACE_DAYS
    recurring, before = column(found, 10), column(found, 11)
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.where(before > 0, np.clip(recurring / before - 1, -1, 2), np.nan)
    panel = Panel(
        day,
        known_on,
        cases(found, 1),
        np.where(known_on <= as_of.toordinal(), 1 - column(found, 15), np.nan),
        {"segment": texts(found, 5), "region": texts(found, 6), "renews by itself": texts(found, 7)},
        {
            "days to the due day": (due - day).astype(float),
            "amount": np.log1p(column(found, 4)),
            "length of the term": np.log1p(column(found, 8)),
            "earlier contracts": np.log1p(column(found, 9)),
            "growth in 180 days": growth,
            "tickets in 90 days": np.log1p(column(found, 12)),
            "satisfaction": column(found, 13),
            "touches in 90 days": np.log1p(column(found, 14)),
        },
    )
    return panel, [row[1:5] for row in found]


def contracts(
    con: duckdb.DuckDBPyConnection, as_of: date
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Rows of `insight.renewal_risk`, and the record of the model."""
    first = con.execute("select min(term_starts_on) from revenue.contracts").fetchall()[0][0]
    panel, about = renewal_panel(con, past_days(first, as_of), as_of)
    learned = learn(panel)
    now = panel.day == as_of.toordinal()
    rows: list[tuple[object, ...]] = []
    for index, (risk, why) in zip(np.flatnonzero(now), shown(learned, panel.rows(now)), strict=True):
        contract, account, due_on, amount = about[int(index)]
        assert isinstance(amount, float)
        loss = None if risk is None else round(amount * risk, 2)
        chance = (risk, rounded(learned.base_rate), risk_status(risk, learned))
        rows.append((contract, as_of, account, due_on, *chance, loss, round(amount, 2), *why))
    return rows, list(records("contract not renewed", learned))
