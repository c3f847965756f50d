-- The ledger is the product: for every customer and day, its movements up to that day are the revenue in force, and the
-- revenue in force is what the subscription periods say. Widely used packages lose customers and reactivations here.
with

ledger as (
    select
        history.account_id,
        history.valid_from,
        history.amount,
        sum(coalesce(movements.amount, 0)) as movement_sum
    from {{ ref('recurring_revenue_history') }} as history
    left join {{ ref('arr_movements') }} as movements
        on
            history.account_id = movements.account_id
            and history.valid_from >= movements.occurred_on
    group by history.account_id, history.valid_from, history.amount
),

in_force as (
    select
        periods.account_id,
        cast(sum(periods.annual_amount * coalesce(rates.rate, 0)) as decimal(38, 6)) as amount
    from {{ ref('subscription_periods') }} as periods
    left join {{ ref('currency_rates') }} as rates
        on
            rates.kind = 'recurring'
            and periods.currency_code = rates.currency_code
            and {{ as_of_date() }} >= rates.valid_from
            and {{ as_of_date() }} < rates.valid_to
    where periods.starts_on <= {{ as_of_date() }} and (periods.ends_on is null or periods.ends_on > {{ as_of_date() }})
    group by periods.account_id
),

latest as (
    select
        account_id,
        amount
    from {{ ref('recurring_revenue_history') }}
    where valid_to = cast('9999-12-31' as date)
)

select
    account_id,
    valid_from as on_day,
    amount,
    movement_sum as other_amount
from ledger
where amount <> movement_sum
union all
select
    coalesce(latest.account_id, in_force.account_id) as account_id,
    {{ as_of_date() }} as on_day,
    latest.amount,
    in_force.amount as other_amount
from latest
full outer join in_force
    on latest.account_id = in_force.account_id
-- items in foreign currency are rounded one by one
where abs(coalesce(latest.amount, 0) - coalesce(in_force.amount, 0)) > 0.0001
