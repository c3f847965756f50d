-- The customers at the start of each period, and what they are at its end.
-- Grain: grain, period_start, period_end, account_id. Start = end of the day before the period; end = end of its last day.
-- Left out: accounts that were no customer at the start; all_time, which has no start.

with

periods as (
    select
        grain,
        period_start,
        period_end,
        last_day,
        {{ date_add('day', -1, 'period_start') }} as day_before
    from {{ ref('reporting_periods') }}
    where grain <> 'all_time'
),

churns as (
    select
        account_id,
        occurred_on,
        min(reason) as reason
    from {{ ref('arr_movements') }}
    where movement = 'churn'
    group by account_id, occurred_on
),

endpoints as (
    select
        periods.grain,
        periods.period_start,
        periods.period_end,
        periods.last_day,
        at_start.account_id,
        at_start.amount as start_amount,
        coalesce(at_end.amount, {{ money('0') }}) as end_amount,
        coalesce(at_end.is_customer, false) as is_customer_at_end,
        at_end.valid_from as in_end_state_since
    from periods
    inner join {{ ref('recurring_revenue_history') }} as at_start
        on
            periods.day_before >= at_start.valid_from
            and periods.day_before < at_start.valid_to
            and at_start.is_customer
    left join {{ ref('recurring_revenue_history') }} as at_end
        on
            at_start.account_id = at_end.account_id
            and periods.last_day >= at_end.valid_from
            and periods.last_day < at_end.valid_to
),

due_contracts as (
    select distinct
        endpoints.grain,
        endpoints.period_start,
        endpoints.account_id
    from endpoints
    inner join {{ ref('contracts') }} as contracts
        on
            endpoints.account_id = contracts.account_id
            and endpoints.period_start <= contracts.term_ends_on
            and endpoints.last_day >= contracts.term_ends_on
)

select
    endpoints.grain,
    endpoints.period_start,
    endpoints.period_end,
    endpoints.account_id,
    endpoints.start_amount,
    endpoints.end_amount,
    endpoints.is_customer_at_end,
    churns.reason as churn_reason,
    due_contracts.account_id is not null as has_contract_due,
    coalesce(accounts.segment, 'unknown') as segment,
    coalesce(accounts.region, 'unknown') as region
from endpoints
left join churns
    on
        not endpoints.is_customer_at_end
        and endpoints.account_id = churns.account_id
        and endpoints.in_end_state_since = churns.occurred_on
left join due_contracts
    on
        endpoints.grain = due_contracts.grain
        and endpoints.period_start = due_contracts.period_start
        and endpoints.account_id = due_contracts.account_id
left join {{ ref('accounts') }} as accounts
    on endpoints.account_id = accounts.account_id
