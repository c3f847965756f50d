-- What is each subscription item worth a year, over which stretch of time?
-- Grain: subscription_period_id. annual_amount is the annualised value after the discount in force (currency_code);
-- it is 0 where the period is no recurring revenue (trial, metered, one-off, services, paused, unpaid, canceled).
-- A period whose discount ends inside it is two rows: part 1 with, part 2 without the discount.
-- Left out: deleted periods, periods that start after the as-of day, periods that end before they start, negative amounts.

with

periods as (
    select
        *,
        cast(case interval
            when 'day' then 365
            when 'week' then 52
            when 'month' then 12
            when 'quarter' then 4
            when 'year' then 1
        end as integer) as intervals_per_year,
        greatest(coalesce(interval_count, 1), 1) as interval_length,
        coalesce(kind, 'recurring') = 'recurring'
        and coalesce(status, 'active') in ('active', 'past_due') as is_recurring_revenue,
        {{ money('amount') }} as full_amount,
        {{ money('coalesce(discount_amount, 0)') }} as amount_off,
        cast(coalesce(discount_percent, 0) as decimal(9, 8)) as percent_off,
        coalesce(discount_percent, 0) > 0 or coalesce(discount_amount, 0) > 0 as is_discounted
    from {{ ref('entry_subscription_periods') }}
    where
        not is_deleted
        and starts_on <= {{ as_of_date() }}
        and (ends_on is null or ends_on > starts_on)
        and amount >= 0
),

parts as (
    -- up to the end of the discount, or whole
    select
        periods.*,
        1 as part,
        starts_on as part_starts_on,
        case
            when is_discounted and discount_ends_on > starts_on and (ends_on is null or discount_ends_on < ends_on)
                then discount_ends_on
            else ends_on
        end as part_ends_on,
        is_discounted and (discount_ends_on is null or discount_ends_on > starts_on) as has_discount
    from periods
    union all
    -- after a discount that ends inside the period
    select
        periods.*,
        2 as part,
        discount_ends_on as part_starts_on,
        ends_on as part_ends_on,
        false as has_discount
    from periods
    where
        is_discounted
        and discount_ends_on > starts_on
        and (ends_on is null or discount_ends_on < ends_on)
        and discount_ends_on <= {{ as_of_date() }}
),

priced as (
    select
        *,
        case
            when has_discount
                then greatest({{ money('full_amount * (1 - percent_off)') }} - amount_off, {{ money('0') }})
            else full_amount
        end as net_amount
    from parts
)

select
    {{ surrogate_key(['priced.source_system', 'priced.source_id', 'priced.part']) }} as subscription_period_id,
    priced.source_system,
    priced.source_id,
    priced.part,
    priced.subscription_id,
    coalesce(
        account_members.account_id, {{ surrogate_key(['priced.source_system', 'priced.account_source_id']) }}
    ) as account_id,
    priced.product,
    priced.plan,
    coalesce(priced.kind, 'recurring') as kind,
    coalesce(priced.status, 'active') as status,
    priced.quantity,
    priced.part_starts_on as starts_on,
    priced.part_ends_on as ends_on,
    upper(coalesce(trim(priced.currency_code), '{{ var("reporting_currency") }}')) as currency_code,
    case
        when priced.is_recurring_revenue
            then {{ decimal_divide(money('priced.net_amount * priced.intervals_per_year'), 'priced.interval_length') }}
        else {{ money('0') }}
    end as annual_amount,
    case
        when priced.is_recurring_revenue
            then {{ decimal_divide(money('priced.full_amount * priced.intervals_per_year'), 'priced.interval_length') }}
        else {{ money('0') }}
    end as annual_amount_before_discount,
    priced.has_discount,
    case when priced.part = 2 then 'discount' else priced.change_reason end as change_reason
from priced
left join {{ source('identity', 'account_members') }} as account_members
    on
        priced.source_system = account_members.source_system
        and priced.account_source_id = account_members.source_id
