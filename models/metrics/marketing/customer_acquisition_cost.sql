-- Customer acquisition cost: what did sales and marketing spend per new customer of the same period?
-- Grain: variant, grain, period_start, dimension, dimension_value.
-- Left out: spend of other departments and of categories that seeds/cost_categories_in_cac.csv leaves out. A reactivated
-- customer is not new. Sliced by channel only, in by_attributed_channel: a channel costs what was spent on it and, of what was
-- spent on none, the part of the new customers that linear attribution of their first deal credits to it.

-- depends_on: {{ ref('arr_movements') }}, {{ ref('contracts') }}, {{ ref('opportunities') }}, {{ ref('attribution') }}

{% call kpi_mart(
    inputs=['spend', 'opportunities'] if 'subscription_periods' in var('missing_entities')
        and 'contracts' in var('missing_entities') else ['spend'],
    variants={
        'default': 'currency', 'lagged_by_cycle': 'currency', 'paid_only': 'currency', 'by_attributed_channel': 'currency',
        'ratio_to_new_arr': 'ratio',
    }
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
),

-- the deal that made it a customer: the last one won by then, else the next
first_deals as (
    select
        new_customers.account_id,
        new_customers.became_customer_on,
        deals.opportunity_id,
        row_number() over (
            partition by new_customers.account_id
            order by
                case when deals.closed_on <= new_customers.became_customer_on then 0 else 1 end,
                coalesce(abs({{ days_between('deals.closed_on', 'new_customers.became_customer_on') }}), 100000),
                deals.opportunity_id
        ) as preference
    from new_customers
    left join {{ ref('opportunities') }} as deals
        on
            new_customers.account_id = deals.account_id
            and deals.is_won
            and coalesce(deals.kind, 'new_business') = 'new_business'
),

credits as (
    select
        opportunity_id,
        channel,
        sum(cast(credit as decimal(38, 15))) as credit
    from {{ ref('attribution') }}
    where model = 'linear'
    group by opportunity_id, channel
),

channel_events as (
    select
        cast('channel' as {{ dbt.type_string() }}) as dimension,
        coalesce(credits.channel, 'unknown') as dimension_value,
        first_deals.became_customer_on as happened_on,
        cast(coalesce(credits.credit, 1) as decimal(38, 15)) as customers,
        1 as touched,
        {{ money('0') }} as own_spend
    from first_deals
    left join credits
        on first_deals.opportunity_id = credits.opportunity_id
    where first_deals.preference = 1
    union all
    select
        'channel' as dimension,
        spend.channel as dimension_value,
        spend.day as happened_on,
        0 as customers,
        0 as touched,
        spend.amount as own_spend
    from {{ ref('spend_daily') }} as spend
    left join categories
        on coalesce(spend.category, 'other') = categories.category
    where
        spend.channel is not null
        and coalesce(spend.department, 'marketing') in ('marketing', 'sales')
        and coalesce(categories.is_included, true)
),

summed_by_channel as (
    {{ sum_by_period('channel_events', 'happened_on', {
        'customers': 'customers', 'touched': 'touched', 'own_spend': 'own_spend',
    }) }}
),

of_all_channels as (
    select
        grain,
        period_start,
        period_end,
        sum(own_spend) as own_spend
    from summed_by_channel
    group by grain, period_start, period_end
),

by_channel as (
    select
        summed.grain,
        summed.period_start,
        summed.period_end,
        summed.dimension,
        summed.dimension_value,
        cast(summed.new_customers as double) as customers,
        summed.new_customers as touched,
        cast(summed.spend_amount as double) as spend_amount
    from summed
    where summed.dimension = 'all'
    union all
    select
        own.grain,
        own.period_start,
        own.period_end,
        own.dimension,
        own.dimension_value,
        own.customers,
        own.touched,
        cast(own.own_spend as double) + coalesce(
            cast(summed.spend_amount - of_all_channels.own_spend as double)
            * {{ safe_divide('own.customers', 'summed.new_customers') }},
            0
        ) as spend_amount
    from summed_by_channel as own
    inner join of_all_channels
        on
            own.grain = of_all_channels.grain
            and own.period_start = of_all_channels.period_start
            and own.period_end = of_all_channels.period_end
    inner join summed
        on
            own.grain = summed.grain
            and own.period_start = summed.period_start
            and own.period_end = summed.period_end
            and summed.dimension = 'all'
    where own.dimension = 'channel'
)

{{ kpi_rows('summed', 'default', 'spend_amount', 'new_customers', unit='currency') }}
union all
{{ kpi_rows('summed', 'lagged_by_cycle', 'lagged_amount', 'new_customers', unit='currency') }}
union all
{{ kpi_rows('summed', 'paid_only', 'paid_amount', 'new_customers', unit='currency') }}
union all
{{ kpi_rows('by_channel', 'by_attributed_channel', 'spend_amount', 'customers', n='touched', unit='currency') }}
union all
{{ kpi_rows('summed', 'ratio_to_new_arr', 'spend_amount', 'new_amount', n='new_customers') }}

{%- endcall %}
