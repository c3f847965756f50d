"""Which live leads will become deals?"""

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
    rounded,
    shown,
    texts,
)
from orchestration.insight.scoring import learn

LEAD_DAYS = 90
# A lead nobody made a deal of for as long is not live any more.
LIVE_DAYS = 180

COLUMNS = {
    "lead_id": "varchar",
    "as_of": "date",
    "conversion_probability": "double",
    "baseline_probability": "double",
    **WHY_COLUMNS,
}

# Company, segment and owner of a lead are often filled in when it becomes a deal: none of them is looked at.
_LEADS = f"""
with looked_at as (
    select unnest($days::date[]) as day
),

became as (
    select person_id, entered_on as became_on from revenue.funnel_entries
    where funnel_stage in ('opportunity', 'customer')
    union all
    select person_id, opened_on from revenue.opportunities where person_id is not null
),

first_deals as (
    select person_id, min(became_on) as became_on from became group by person_id
),

live as (
    select
        looked_at.day,
        leads.lead_id,
        leads.person_id,
        leads.created_on,
        coalesce(leads.lead_source, 'unknown') as lead_source,
        first_deals.became_on
    from looked_at
    inner join revenue.leads as leads
        on leads.created_on <= looked_at.day and leads.created_on > looked_at.day - {LIVE_DAYS}
    left join first_deals using (person_id)
    where first_deals.became_on is null or first_deals.became_on > looked_at.day
)

select
    live.day,
    live.lead_id,
    live.lead_source,
    coalesce(stages.funnel_stage, 'unknown') as funnel_stage,
    date_diff('day', live.created_on, live.day) as age,
    date_diff('day', stages.entered_on, live.day) as days_in_stage,
    date_diff('day', touched.answered_on, live.day) as days_since_response,
    coalesce(touched.inbound, 0) as inbound,
    coalesce(touched.outbound, 0) as outbound,
    date_diff('day', touched.last_on, live.day) as days_since_touch,
    live.became_on is not null and live.became_on <= live.day + {LEAD_DAYS} as becomes_deal
from live
left join lateral (
    select entries.funnel_stage, entries.entered_on from revenue.funnel_entries as entries
    where entries.person_id = live.person_id and entries.entered_on <= live.day
    order by entries.stage_order desc, entries.funnel_stage
    limit 1
) as stages on true
left join lateral (
    select
        count(case when direction = 'inbound' and occurred_on > live.day - 30 then 1 end) as inbound,
        count(case when direction = 'outbound' and occurred_on > live.day - 30 then 1 end) as outbound,
        min(occurred_on) filter (direction = 'outbound' and is_human and occurred_on >= live.created_on)
            as answered_on,
        max(occurred_on) as last_on
    from revenue.touches
    where touches.person_id = live.person_id and occurred_on <= live.day
) as touched on true
order by live.day, live.lead_id
"""


def lead_panel(
    con: duckdb.DuckDBPyConnection, days: Sequence[date], as_of: date
) -> tuple[Panel, list[tuple[object, ...]]]:
    """Live leads at the end of each day, and per row the lead. The label is 1 for one that is a deal 90 days
    later.
    """
    found = con.execute(_LEADS, {"days": list(days)}).fetchall()
    day = ordinals(found, 0)
    panel = Panel(
        day,
        day + LEAD_DAYS,
        cases(found, 1),
        np.where(day + LEAD_DAYS <= as_of.toordinal(), column(found, 10), np.nan),
        {"source": texts(found, 2), "stage": texts(found, 3)},
        {
            "age": np.log1p(column(found, 4)),
            "days in stage": np.log1p(column(found, 5)),
            "days since the first response": np.log1p(column(found, 6)),
            "inbound touches in 30 days": np.log1p(column(found, 7)),
            "outbound touches in 30 days": np.log1p(column(found, 8)),
            "days since the last touch": np.log1p(column(found, 9)),
        },
    )
    return panel, [(row[1],) for row in found]


def leads(
    con: duckdb.DuckDBPyConnection, as_of: date
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Rows of `insight.lead_scores`, and the record of the model."""
    first = con.execute("select min(created_on) from revenue.leads").fetchall()[0][0]
    panel, about = lead_panel(con, past_days(first, as_of), as_of)
    learned = learn(panel)
    now = panel.day == as_of.toordinal()
    rows = [
        (*about[int(index)], as_of, chance, rounded(learned.base_rate), *why)
        for index, (chance, why) in zip(np.flatnonzero(now), shown(learned, panel.rows(now)), strict=True)
    ]
    return rows, list(records("lead becomes a deal within 90 days", learned))
