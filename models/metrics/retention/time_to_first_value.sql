-- Time to first value: how many days from the first day as a customer to the first use of the product?
-- Grain: variant, grain, period_start, dimension, dimension_value. Median over customers won in the period, those who have not used
-- it yet censored. Use before the first paid day counts as day 0.
-- Left out: reactivations.

{% call kpi_mart(inputs=['subscription_periods', 'product_usage'], variants={'default': 'days'}) -%}

with

new_customers as (
    select
        account_id,
        min(valid_from) as became_customer_on
    from {{ ref('recurring_revenue_history') }}
    where is_customer
    group by account_id
),

first_uses as (
    select
        members.account_id,
        min(usage.used_on) as first_used_on
    from {{ ref('entry_product_usage') }} as usage
    inner join {{ source('identity', 'account_members') }} as members
        on
            usage.source_system = members.source_system
            and usage.account_source_id = members.source_id
    where
        not usage.is_deleted
        and usage.used_on <= {{ as_of_date() }}
        and coalesce(usage.events, usage.active_people, 1) > 0
    group by members.account_id
),

customers as (
    select
        accounts.segment,
        accounts.region,
        new_customers.became_customer_on,
        cast(greatest({{ days_between(
            'new_customers.became_customer_on', 'coalesce(first_uses.first_used_on, ' ~ as_of_date() ~ ')'
        ) }}, 0) as double) as duration,
        case when first_uses.first_used_on is null then 0 else 1 end as outcome
    from new_customers
    left join first_uses
        on new_customers.account_id = first_uses.account_id
    left join {{ ref('accounts') }} as accounts
        on new_customers.account_id = accounts.account_id
),

sliced as (
    {{ slice_by('customers', ['segment', 'region'], ['became_customer_on', 'duration', 'outcome']) }}
),

medians as (
    {{ median_by_period('sliced', 'became_customer_on') }}
)

{{ kpi_rows(
    'medians', 'default', value='median_duration', n='cases', unit='days', null_reason='null_reason',
    low='median_low', high='median_high'
) }}

{%- endcall %}
