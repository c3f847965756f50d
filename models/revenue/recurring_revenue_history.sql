-- What is each customer's annual recurring revenue, and is it a customer, from when to when?
-- Grain: account_id, valid_from. A customer whose only subscription is paused, with an end to the pause, has no revenue and
-- stays a customer until the pause ends.
-- Left out: accounts that never had recurring revenue; days after the as-of day.

with

revenue_days as (
    select
        account_id,
        changed_on,
        {{ money('sum(change_amount)') }} as change_amount,
        {{ money('sum(currency_amount)') }} as currency_amount
    from {{ ref('recurring_revenue_changes') }}
    group by account_id, changed_on
),

revenue_steps as (
    select
        *,
        {{ money('sum(change_amount + currency_amount) over (partition by account_id order by changed_on
            rows between unbounded preceding and current row)') }} as amount,
        lead(changed_on) over (partition by account_id order by changed_on) as next_changed_on
    from revenue_days
),

-- Pauses that have an end, joined where one follows on the other without a gap.
finite_pauses as (
    select
        account_id,
        subscription_id,
        source_system,
        starts_on,
        ends_on,
        max(ends_on) over (
            partition by account_id, subscription_id, source_system
            order by starts_on, ends_on, source_id rows between unbounded preceding and 1 preceding
        ) as paused_until_before
    from {{ ref('subscription_periods') }}
    where status = 'paused' and kind = 'recurring' and ends_on is not null
),

pause_numbers as (
    select
        *,
        sum(case when paused_until_before >= starts_on then 0 else 1 end) over (
            partition by account_id, subscription_id, source_system
            order by starts_on, ends_on rows between unbounded preceding and current row
        ) as pause_number
    from finite_pauses
),

joined_pauses as (
    select
        account_id,
        min(starts_on) as starts_on,
        max(ends_on) as ends_on
    from pause_numbers
    group by account_id, subscription_id, source_system, pause_number
),

-- A pause keeps only someone who was a customer the day before it began.
pauses as (
    select distinct
        joined_pauses.account_id,
        joined_pauses.starts_on,
        joined_pauses.ends_on
    from joined_pauses
    inner join revenue_steps
        on
            joined_pauses.account_id = revenue_steps.account_id
            and revenue_steps.changed_on < joined_pauses.starts_on
            and (revenue_steps.next_changed_on is null or revenue_steps.next_changed_on >= joined_pauses.starts_on)
            and revenue_steps.amount > 0
),

change_days as (
    select account_id, changed_on from revenue_days
    union distinct
    select account_id, starts_on as changed_on from pauses
    union distinct
    select account_id, ends_on as changed_on from pauses
    where ends_on <= {{ as_of_date() }}
),

stepped as (
    select
        change_days.account_id,
        change_days.changed_on as valid_from,
        coalesce(
            lead(change_days.changed_on) over (partition by change_days.account_id order by change_days.changed_on),
            cast('9999-12-31' as date)
        ) as valid_to,
        {{ money('coalesce(revenue_days.change_amount, 0)') }} as change_amount,
        {{ money('coalesce(revenue_days.currency_amount, 0)') }} as currency_amount,
        {{ money('sum(coalesce(revenue_days.change_amount + revenue_days.currency_amount, 0)) over (
            partition by change_days.account_id order by change_days.changed_on
            rows between unbounded preceding and current row)') }} as amount
    from change_days
    left join revenue_days
        on
            change_days.account_id = revenue_days.account_id
            and change_days.changed_on = revenue_days.changed_on
),

paused_days as (
    select distinct
        stepped.account_id,
        stepped.valid_from
    from stepped
    inner join pauses
        on
            stepped.account_id = pauses.account_id
            and stepped.valid_from >= pauses.starts_on
            and stepped.valid_from < pauses.ends_on
),

classified as (
    select
        stepped.*,
        paused_days.account_id is not null as is_paused,
        stepped.amount > 0 or paused_days.account_id is not null as is_customer
    from stepped
    left join paused_days
        on
            stepped.account_id = paused_days.account_id
            and stepped.valid_from = paused_days.valid_from
)

select
    account_id,
    valid_from,
    valid_to,
    change_amount,
    currency_amount,
    amount,
    is_paused and amount = 0 as is_paused,
    is_customer,
    coalesce(
        lag(is_customer) over (partition by account_id order by valid_from), false
    ) as was_customer,
    coalesce(
        max(case when is_customer then 1 else 0 end) over (
            partition by account_id order by valid_from rows between unbounded preceding and 1 preceding
        ), 0
    ) = 1 as was_ever_customer
from classified
