-- On which days does the recurring revenue of an item change, and by how much?
-- Grain: source_system, account_id, subscription_id, product, plan, currency_code, changed_on. An item is what one
-- subscription holds of one product and plan. A change of the exchange rate is kept apart from the change of the item itself.
-- Left out: days after the as-of day, days on which nothing changes.

{% set rate_kind = 'spot' if policy_choice('recurring_revenue', 'currency', 'plan') == 'spot' else 'recurring' -%}
{% set item = ['source_system', 'account_id', 'subscription_id', 'product', 'plan', 'currency_code'] -%}

with

periods as (
    select
        source_system,
        source_id,
        account_id,
        subscription_id,
        coalesce(product, 'unknown') as product,
        coalesce(plan, 'unknown') as plan,
        currency_code,
        starts_on,
        ends_on,
        annual_amount
    from {{ ref('subscription_periods') }}
    where annual_amount > 0
),

steps as (
    select
        {{ item | join(', ') }},
        starts_on as changed_on,
        annual_amount as change_original
    from periods
    union all
    select
        {{ item | join(', ') }},
        ends_on as changed_on,
        -annual_amount as change_original
    from periods
    where ends_on <= {{ as_of_date() }}
),

rate_days as (
    select
        {%- for column in item %}
        foreign_items.{{ column }},
        {%- endfor %}
        currency_rates.valid_from as changed_on,
        {{ money('0') }} as change_original
    from (
        select
            {{ item | join(', ') }},
            min(starts_on) as first_day
        from periods
        where currency_code <> '{{ var("reporting_currency") }}'
        group by {{ item | join(', ') }}
    ) as foreign_items
    inner join {{ ref('currency_rates') }} as currency_rates
        on foreign_items.currency_code = currency_rates.currency_code
    where
        currency_rates.kind = '{{ rate_kind }}'
        and currency_rates.valid_from > foreign_items.first_day
        and currency_rates.valid_from <= {{ as_of_date() }}
),

daily as (
    select
        {{ item | join(', ') }},
        changed_on,
        {{ money('sum(change_original)') }} as change_original
    from (
        select * from steps
        union all
        select * from rate_days
    ) as events
    group by {{ item | join(', ') }}, changed_on
),

running as (
    select
        *,
        {{ money('sum(change_original) over (partition by ' ~ item | join(', ') ~ ' order by changed_on
            rows between unbounded preceding and current row)') }} as after_original
    from daily
),

rated as (
    select
        running.*,
        running.after_original - running.change_original as before_original,
        rate_before.rate as rate_before,
        rate_after.rate as rate_after
    from running
    left join {{ ref('currency_rates') }} as rate_before
        on
            rate_before.kind = '{{ rate_kind }}'
            and running.currency_code = rate_before.currency_code
            and {{ date_add('day', -1, 'running.changed_on') }} >= rate_before.valid_from
            and {{ date_add('day', -1, 'running.changed_on') }} < rate_before.valid_to
    left join {{ ref('currency_rates') }} as rate_after
        on
            rate_after.kind = '{{ rate_kind }}'
            and running.currency_code = rate_after.currency_code
            and running.changed_on >= rate_after.valid_from
            and running.changed_on < rate_after.valid_to
),

valued as (
    select
        *,
        -- what the item was worth the day before, at the old and at the new rate, and what it is worth now
        case when before_original = 0 then {{ money('0') }} else {{ money('before_original * rate_before') }} end as before_at_old_rate,
        case when before_original = 0 then {{ money('0') }} else {{ money('before_original * rate_after') }} end as before_at_new_rate,
        case when after_original = 0 then {{ money('0') }} else {{ money('after_original * rate_after') }} end as after_at_new_rate
    from rated
)

select
    {{ item | join(',\n    ') }},
    changed_on,
    change_original,
    after_original,
    rate_after as currency_rate,
    {{ money('after_at_new_rate - before_at_new_rate') }} as change_amount,
    {{ money('before_at_new_rate - before_at_old_rate') }} as currency_amount,
    after_at_new_rate as after_amount
from valued
where
    change_original <> 0
    or before_at_new_rate <> before_at_old_rate
    -- a missing rate must be seen, not dropped
    or after_at_new_rate is null
