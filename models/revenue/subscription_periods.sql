-- What is each subscription item worth a year, over which stretch of time?
-- Grain: subscription_period_id. annual_amount is the annualised value after the discount in force (currency_code);
-- it is 0 where the period is no recurring revenue (trial, metered, one-off, services, paused, unpaid, canceled).
-- A period whose discount ends inside it is two rows: part 1 with, part 2 without the discount.
-- Left out: deleted periods, periods that start after the as-of day, periods that end before they start, negative amounts.
-- What counts is the policy recurring_revenue of seeds/metric_policy.csv.

{% set discounts = policy_choice('recurring_revenue', 'discounts', 'net') -%}
{% set churn_date = policy_choice('recurring_revenue', 'churn_date', 'end_of_service') -%}
{% set past_due_max_days = policy_choice('recurring_revenue', 'past_due_max_days', '') -%}
{% set kinds = ['recurring'] -%}
{% set statuses = ['active', 'past_due'] -%}
{% if policy_choice('recurring_revenue', 'metered', 'exclude') == 'include' -%}
{% do kinds.append('metered') -%}
{% endif -%}
{% if policy_choice('recurring_revenue', 'trial', 'exclude') == 'include' -%}
{% do kinds.append('trial') -%}
{% do statuses.append('trialing') -%}
{% endif -%}
{% if policy_choice('recurring_revenue', 'paused', 'zero') == 'unchanged' -%}
{% do statuses.append('paused') -%}
{% endif -%}
{% set past_due_until = date_add('day', past_due_max_days or 0, 'starts_on') -%}
{% set limits = [] -%}
{% if churn_date == 'cancellation' -%}
{% do limits.append("coalesce(cancellations.canceled_on, cast('9999-12-31' as date))") -%}
{% endif -%}
{% if past_due_max_days -%}
{% do limits.append("case when status = 'past_due' then " ~ past_due_until ~ " else cast('9999-12-31' as date) end") -%}
{% endif -%}
{% set counts_until = 'ends_on' -%}
{% if limits -%}
{% do limits.append("coalesce(ends_on, cast('9999-12-31' as date))") -%}
{% set counts_until = "nullif(least(" ~ limits | join(", ") ~ "), cast('9999-12-31' as date))" -%}
{% endif -%}

with

{%- if churn_date == 'cancellation' %}

-- a canceled row that starts inside a period says when the customer gave notice
cancellations as (
    select
        items.source_system as canceled_in,
        items.source_id as canceled_id,
        min(notices.starts_on) as canceled_on
    from {{ ref('entry_subscription_periods') }} as items
    inner join {{ ref('entry_subscription_periods') }} as notices
        on
            items.source_system = notices.source_system
            and items.subscription_id = notices.subscription_id
            and coalesce(notices.product, items.product, '') = coalesce(items.product, '')
            and items.starts_on < notices.starts_on
    where notices.status = 'canceled' and not notices.is_deleted
    group by items.source_system, items.source_id
),
{%- endif %}

periods as (
    select
        items.*,
        -- the first day on which it does not count any more
        {{ counts_until }} as counts_until,
        cast(case interval
            when 'day' then 365
            when 'week' then 52
            when 'month' then 12
            when 'quarter' then 4
            when 'year' then 1
        end as integer) as intervals_per_year,
        greatest(coalesce(interval_count, 1), 1) as interval_length,
        coalesce(kind, 'recurring') in ('{{ kinds | join("', '") }}')
        and coalesce(status, 'active') in ('{{ statuses | join("', '") }}') as is_recurring_revenue,
        {{ money('amount') }} as full_amount,
        {{ money('coalesce(discount_amount, 0)') }} as amount_off,
        cast(coalesce(discount_percent, 0) as decimal(9, 8)) as percent_off,
        {% if discounts == 'ignore' -%}
        false
        {%- elif discounts == 'forever_only' -%}
        (coalesce(discount_percent, 0) > 0 or coalesce(discount_amount, 0) > 0) and discount_ends_on is null
        {%- else -%}
        coalesce(discount_percent, 0) > 0 or coalesce(discount_amount, 0) > 0
        {%- endif %} as is_discounted
    from {{ ref('entry_subscription_periods') }} as items
    {%- if churn_date == 'cancellation' %}
    left join cancellations
        on
            items.source_system = cancellations.canceled_in
            and items.source_id = cancellations.canceled_id
    {%- endif %}
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
            when is_discounted and discount_ends_on > starts_on and (counts_until is null or discount_ends_on < counts_until)
                then discount_ends_on
            else counts_until
        end as part_ends_on,
        is_discounted and (discount_ends_on is null or discount_ends_on > starts_on) as has_discount
    from periods
    {%- if limits %}
    where counts_until is null or counts_until > starts_on
    {%- endif %}
    union all
    -- after a discount that ends inside the period
    select
        periods.*,
        2 as part,
        discount_ends_on as part_starts_on,
        counts_until as part_ends_on,
        false as has_discount
    from periods
    where
        is_discounted
        and discount_ends_on > starts_on
        and (counts_until is null or discount_ends_on < counts_until)
        and discount_ends_on <= {{ as_of_date() }}
    {%- if past_due_max_days %}
    union all
    -- past due for longer than the policy waits: worth nothing until the row ends
    select
        periods.*,
        3 as part,
        counts_until as part_starts_on,
        ends_on as part_ends_on,
        false as has_discount
    from periods
    where
        status = 'past_due'
        and counts_until = {{ past_due_until }}
        and (ends_on is null or counts_until < ends_on)
        and counts_until <= {{ as_of_date() }}
    {%- endif %}
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
        when priced.is_recurring_revenue{{ ' and priced.part < 3' if past_due_max_days }}
            then {{ decimal_divide(money('priced.net_amount * priced.intervals_per_year'), 'priced.interval_length') }}
        else {{ money('0') }}
    end as annual_amount,
    case
        when priced.is_recurring_revenue{{ ' and priced.part < 3' if past_due_max_days }}
            then {{ decimal_divide(money('priced.full_amount * priced.intervals_per_year'), 'priced.interval_length') }}
        else {{ money('0') }}
    end as annual_amount_before_discount,
    priced.has_discount,
    case
        when priced.part = 2 then 'discount'
        {%- if past_due_max_days %}
        when priced.part = 3 then 'cancellation_involuntary'
        {%- endif %}
        else priced.change_reason
    end as change_reason
from priced
left join {{ source('identity', 'account_members') }} as account_members
    on
        priced.source_system = account_members.source_system
        and priced.account_source_id = account_members.source_id
