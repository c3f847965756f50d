-- Customer acquisition cost: what did sales and marketing spend per new customer of the same period?
-- Grain: variant, grain, period_start, dimension, dimension_value.
-- Left out: spend of other departments and of categories that seeds/cost_categories_in_cac.csv leaves out. A reactivated
-- customer is not new. Not sliced: spend is shared between slices.

-- depends_on: {{ ref('arr_movements') }}, {{ ref('contracts') }}, {{ ref('opportunities') }}

{% call kpi_mart(
    inputs=['spend', 'opportunities'] if 'subscription_periods' in var('missing_entities')
        and 'contracts' in var('missing_entities') else ['spend'],
    variants={'default': 'currency', 'lagged_by_cycle': 'currency', 'paid_only': 'currency', 'ratio_to_new_arr': 'ratio'}
) -%}

with

{%- if 'subscription_periods' not in var('missing_entities') %}

new_customers as (
    select
        account_id,
        occurred_on as became_customer_on,
        sum(amount) as new_amount
    from {{ ref('arr_movements') }}
    where movement = 'new'
    group by account_id, occurred_on
),
{%- elif 'contracts' not in var('missing_entities') %}

new_customers as (
    select
        account_id,
        min(term_starts_on) as became_customer_on,
        cast(null as decimal(38, 6)) as new_amount
    from {{ ref('contracts') }}
    where term_starts_on <= {{ as_of_date() }} and annual_recurring_amount > 0
    group by account_id
),
{%- else %}

-- without subscriptions or contracts, the first new-business deal a company won makes it a customer
new_customers as (
    select
        account_id,
        min(closed_on) as became_customer_on,
        cast(null as decimal(38, 6)) as new_amount
    from {{ ref('opportunities') }}
    where is_won and coalesce(kind, 'new_business') = 'new_business' and account_id is not null
    group by account_id
),
{%- endif %}

categories as (
    select
        lower(trim(category)) as category,
        lower(trim(is_included)) in ('true', 't', '1', 'yes') as is_included
    from {{ ref('cost_categories_in_cac') }}
),

-- spend works one sales cycle later: the median cycle of all won deals up to the as-of day
cycles as (
    select coalesce(cast(round({{ percentile(days_between('opened_on', 'closed_on'), 0.5) }}) as integer), 0) as median_days
    from {{ ref('opportunities') }}
    where is_won and opened_on <= closed_on
),

events as (
    select
        cast('all' as {{ dbt.type_string() }}) as dimension,
        cast('all' as {{ dbt.type_string() }}) as dimension_value,
        spend.day as happened_on,
        spend.amount as spend_amount,
        case when spend.category = 'advertising' then spend.amount else 0 end as paid_amount,
        0 as lagged_amount,
        0 as new_customer,
        0 as new_amount
    from {{ ref('spend_daily') }} as spend
    left join categories
        on coalesce(spend.category, 'other') = categories.category
    where
        coalesce(spend.department, 'marketing') in ('marketing', 'sales')
        and coalesce(categories.is_included, true)
    union all
    select
        'all' as dimension,
        'all' as dimension_value,
        {{ date_add('day', 'cycles.median_days', 'spend.day') }} as happened_on,
        0 as spend_amount,
        0 as paid_amount,
        spend.amount as lagged_amount,
        0 as new_customer,
        0 as new_amount
    from {{ ref('spend_daily') }} as spend
    cross join cycles
    left join categories
        on coalesce(spend.category, 'other') = categories.category
    where
        coalesce(spend.department, 'marketing') in ('marketing', 'sales')
        and coalesce(categories.is_included, true)
        and {{ date_add('day', 'cycles.median_days', 'spend.day') }} <= {{ as_of_date() }}
    union all
    select
        'all' as dimension,
        'all' as dimension_value,
        became_customer_on as happened_on,
        0 as spend_amount,
        0 as paid_amount,
        0 as lagged_amount,
        1 as new_customer,
        coalesce(new_amount, 0) as new_amount
    from new_customers
),

summed as (
    {{ sum_by_period('events', 'happened_on', {
        'spend_amount': 'spend_amount',
        'paid_amount': 'paid_amount',
        'lagged_amount': 'lagged_amount',
        'new_customers': 'new_customer',
        'new_amount': 'new_amount',
    }) }}
)

{{ kpi_rows('summed', 'default', 'spend_amount', 'new_customers', unit='currency') }}
union all
{{ kpi_rows('summed', 'lagged_by_cycle', 'lagged_amount', 'new_customers', unit='currency') }}
union all
{{ kpi_rows('summed', 'paid_only', 'paid_amount', 'new_customers', unit='currency') }}
union all
{{ kpi_rows('summed', 'ratio_to_new_arr', 'spend_amount', 'new_amount', n='new_customers') }}

{%- endcall %}
