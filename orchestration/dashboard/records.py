"""The source records behind the numbers: as many as fit, the most wanted first, with the true count."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from orchestration.dashboard.encoding import Table, text
from orchestration.dashboard.published import Published

_CELL_BYTES = 6


@dataclass(frozen=True)
class RecordTable:
    """One kind of record.

    `select` gives the rows, those to keep first; it may use $as_of and $last_days, the last days of the
    months shown. The page has room for `kept` rows at most. `needs` are the further tables it reads.
    """

    name: str
    title: str
    table: str
    select: str
    kept: int
    needs: tuple[str, ...] = ("revenue.accounts",)


# One row per account: in which systems it is known, and under which ids.
_MEMBERS = """(
    select
        account_id,
        list(distinct source_system order by source_system) as source_system,
        list(source_id order by source_system, source_id) as source_id
    from identity.account_members
    group by account_id
)"""

# The last commit call of a unit for a period before the period began (0) and before so many days to its end.
CALLS_IN_FORCE = """(
    select
        calls.*,
        horizons.horizon,
        row_number() over (
            partition by horizons.horizon, lower(calls.unit), calls.period_start, calls.period_end
            order by calls.submitted_at desc, calls.source_system desc, calls.source_id desc
        ) as place
    from revenue.forecasts as calls
    cross join (select unnest([0, 15, 30, 60, 90]) as horizon) as horizons
    where
        calls.category = 'commit'
        and calls.period_end <= cast($as_of as date) + 1
        and calls.submitted_on
        < case when horizons.horizon = 0 then calls.period_start else calls.period_end - horizons.horizon end
)"""

_TABLES = (
    RecordTable(
        "contracts",
        "Contracts",
        "revenue.contracts",
        # The outcome as metrics.renewals decides it: undecided is due, without successor, not given up, and
        # inside 90 days of grace.
        """
        select
            contracts.term_ends_on as due_on,
            accounts.name as account,
            contracts.annual_recurring_amount as amount,
            renewed.amount as renewed_amount,
            renewed.signed_on,
            case
                when renewed.renews_contract_id is not null then 'renewed'
                when contracts.term_ends_on > $as_of then 'not yet due'
                when
                    coalesce(contracts.status, 'active') in ('lapsed', 'canceled')
                    or contracts.term_ends_on + 90 < $as_of
                    then 'not renewed'
                else 'undecided'
            end as outcome,
            contracts.status,
            contracts.auto_renews,
            contracts.segment,
            contracts.region,
            contracts.source_system,
            contracts.source_id,
            contracts.account_id
        from revenue.contracts as contracts
        left join revenue.accounts as accounts on contracts.account_id = accounts.account_id
        left join (
            select
                due.contract_id as renews_contract_id,
                sum(next.annual_recurring_amount) as amount,
                min(coalesce(next.signed_on, next.term_starts_on)) as signed_on
            from revenue.contracts as due
            inner join revenue.contracts as next on due.contract_id = next.renews_contract_id
            where
                coalesce(next.signed_on, next.term_starts_on)
                <= least(due.term_ends_on + 90, cast($as_of as date))
                and coalesce(next.status, 'active') <> 'pending'
                and next.annual_recurring_amount >= 0
            group by due.contract_id
        ) as renewed on contracts.contract_id = renewed.renews_contract_id
        where contracts.term_ends_on is not null and contracts.annual_recurring_amount > 0
        order by contracts.term_ends_on desc, contracts.source_system, contracts.source_id
        """,
        1200,
    ),
    RecordTable(
        "forecasts",
        "Commit calls",
        "revenue.forecasts",
        f"""
        select unit, period_start, period_end, submitted_on, amount, horizon, source_system, source_id
        from {CALLS_IN_FORCE} as calls
        where place = 1
        order by period_end desc, horizon, unit, period_start
        """,
        2000,
        (),
    ),
    RecordTable(
        "tickets",
        "Tickets",
        "revenue.tickets",
        """
        select
            tickets.opened_on,
            accounts.name as account,
            tickets.priority,
            tickets.status,
            tickets.team,
            tickets.first_replied_at,
            tickets.solved_at,
            tickets.segment,
            tickets.region,
            tickets.source_system,
            tickets.source_id,
            tickets.account_id
        from revenue.tickets as tickets
        left join revenue.accounts as accounts on tickets.account_id = accounts.account_id
        order by tickets.opened_on desc, tickets.source_system, tickets.source_id
        """,
        800,
    ),
    RecordTable(
        "recurring",
        "Recurring revenue by customer",
        "revenue.recurring_revenue_history",
        f"""
        select
            accounts.name as account,
            history.valid_from,
            history.valid_to,
            history.amount,
            history.is_customer,
            history.is_paused,
            min(history.valid_from) over (partition by history.account_id) as customer_since,
            accounts.segment,
            accounts.region,
            members.source_system,
            members.source_id,
            history.account_id
        from revenue.recurring_revenue_history as history
        left join revenue.accounts as accounts on history.account_id = accounts.account_id
        left join {_MEMBERS} as members on history.account_id = members.account_id
        where history.is_customer
        order by history.valid_to desc, history.amount desc, history.account_id, history.valid_from
        """,
        2000,
        ("revenue.accounts", "identity.account_members"),
    ),
    RecordTable(
        "spend",
        "Spend",
        "revenue.spend_daily",
        """
        select
            cast(date_trunc('month', day) as date) as month,
            department,
            category,
            channel,
            sum(amount) as amount,
            source_system,
            source_id
        from revenue.spend_daily
        group by 1, department, category, channel, source_system, source_id
        order by 1 desc, sum(amount) desc, source_system, source_id, department, category, channel
        """,
        2500,
        (),
    ),
    RecordTable(
        "movements",
        "Movements of recurring revenue",
        "metrics.arr_movements",
        """
        select
            movements.occurred_on,
            accounts.name as account,
            movements.movement,
            movements.reason,
            movements.amount,
            movements.product,
            movements.plan,
            movements.segment,
            movements.region,
            movements.source_system,
            movements.source_ids as source_id,
            movements.account_id
        from metrics.arr_movements as movements
        left join revenue.accounts as accounts on movements.account_id = accounts.account_id
        order by movements.occurred_on desc, movements.movement, movements.movement_id
        """,
        2500,
    ),
    RecordTable(
        "pipeline",
        "Open pipeline at month ends",
        "revenue.pipeline_daily",
        """
        select
            pipeline.day,
            deals.name,
            accounts.name as account,
            deals.owner_name as owner,
            deals.team,
            deals.segment,
            deals.region,
            deals.product,
            pipeline.stage,
            pipeline.shared_stage,
            pipeline.is_qualified,
            pipeline.amount,
            pipeline.expected_close_on,
            deals.opened_on,
            deals.source_system,
            deals.source_id,
            deals.account_id
        from revenue.pipeline_daily as pipeline
        inner join revenue.opportunities as deals on pipeline.opportunity_id = deals.opportunity_id
        left join revenue.accounts as accounts on deals.account_id = accounts.account_id
        where list_contains($last_days, pipeline.day)
        order by pipeline.day desc, pipeline.amount desc nulls last, deals.source_system, deals.source_id
        """,
        2500,
        ("revenue.opportunities", "revenue.accounts"),
    ),
    RecordTable(
        "customers",
        "Customers over the period",
        "revenue.customer_endpoints",
        f"""
        select
            endpoints.grain,
            endpoints.period_start,
            accounts.name as account,
            endpoints.start_amount,
            endpoints.end_amount,
            endpoints.is_customer_at_end,
            endpoints.churn_reason,
            endpoints.segment,
            endpoints.region,
            members.source_system,
            members.source_id,
            endpoints.account_id
        from revenue.customer_endpoints as endpoints
        left join revenue.accounts as accounts on endpoints.account_id = accounts.account_id
        left join {_MEMBERS} as members on endpoints.account_id = members.account_id
        order by
            -- the latest periods of each grain, more quarters and months than overlapping years
            dense_rank() over (partition by endpoints.grain order by endpoints.period_end desc)
            * case endpoints.grain when 'quarter' then 2 when 'month' then 2 else 5 end,
            endpoints.grain desc,
            endpoints.period_start,
            endpoints.is_customer_at_end,
            endpoints.start_amount desc,
            endpoints.account_id
        """,
        4500,
        ("revenue.accounts", "identity.account_members"),
    ),
    RecordTable(
        "opportunities",
        "Opportunities",
        "revenue.opportunities",
        """
        select
            deals.name,
            accounts.name as account,
            deals.owner_name as owner,
            deals.team,
            deals.segment,
            deals.region,
            deals.product,
            deals.kind,
            deals.lead_source,
            deals.direction,
            deals.stage,
            deals.shared_stage,
            deals.amount,
            deals.opened_on,
            deals.closed_on,
            deals.expected_close_on,
            deals.is_closed,
            deals.is_won,
            deals.is_qualified,
            deals.loss_reason,
            deals.source_system,
            deals.source_id,
            deals.account_id
        from revenue.opportunities as deals
        left join revenue.accounts as accounts on deals.account_id = accounts.account_id
        order by
            deals.is_closed,
            deals.closed_on desc nulls last,
            deals.amount desc nulls last,
            deals.source_system,
            deals.source_id
        """,
        3000,
    ),
)


def records(published: Published, as_of: date, last_days: list[date]) -> dict[str, Table]:
    """Record tables by name: columns, rows in the order in which to keep them, how many there are."""
    found: dict[str, Table] = {}
    for each in _TABLES:
        if not all(published.has(name) for name in (each.table, *each.needs)):
            continue
        given = {"as_of": as_of, "last_days": last_days}
        parameters = {name: value for name, value in given.items() if f"${name}" in each.select}
        columns, rows = published.read(f"{each.select} limit {each.kept + 1}", parameters)
        total = len(rows)
        if total > each.kept:
            total = int(
                published.rows(f"select count(*) from ({each.select}) as everything", parameters)[0][0]
            )
        if rows:
            about = {"title": each.title, "table": each.table}
            found[each.name] = Table(columns, rows[: each.kept], total, about)
    return found


def fitted(found: Mapping[str, Table], room: int) -> dict[str, Table]:
    """The tables with as many rows as fit into `room` bytes; what one leaves, the next may use."""
    kept: dict[str, Table] = {}
    known: set[str] = set()
    for index, (name, table) in enumerate(found.items()):
        share, spent, count = room // (len(found) - index), 0, 0
        for row in table.rows:
            spent += sum(_size(value, known) for value in row)
            if spent > share:
                break
            count += 1
        room -= min(spent, share)
        kept[name] = replace(table, rows=table.rows[:count])
    return kept


def _size(value: Any, known: set[str]) -> int:
    """About how many bytes a cell takes; a text lies on the page once and is then named by its place."""
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if not isinstance(value, str):
        return 2 if isinstance(value, bool) else _CELL_BYTES
    if value in known:
        return _CELL_BYTES
    known.add(value)
    return len((text(value) or "").encode()) + 3 + _CELL_BYTES
