-- Magic number: how much annual recurring revenue did each unit of the spend before it bring?
-- Grain: variant, grain, period_start, dimension, dimension_value. Change of annual recurring revenue over the period ÷ sales and
-- marketing spend of the period of the same length before it.
-- Left out: the first period, all time and trailing twelve months.

{% call kpi_mart(inputs=['spend', 'subscription_periods'], variants={'default': 'ratio'}) -%}

with

revenue as (
    select
        grain,
        period_start,
        period_end,
        dimension,
        dimension_value,
        numerator as amount,
        lag(numerator) over (partition by grain order by period_start) as amount_before
    from {{ ref('annual_recurring_revenue') }}
    where variant = 'default' and dimension = 'all' and grain in ('month', 'quarter', 'year')
),

spend as (
    select
        grain,
        period_start,
        lag(numerator) over (partition by grain order by period_start) as spend_before
    from {{ ref('customer_acquisition_cost') }}
    where variant = 'default' and dimension = 'all' and grain in ('month', 'quarter', 'year')
),

compared as (
    select
        revenue.grain,
        revenue.period_start,
        revenue.period_end,
        revenue.dimension,
        revenue.dimension_value,
        revenue.amount - revenue.amount_before as net_new_amount,
        spend.spend_before,
        case
            when revenue.amount_before is null then 'insufficient_history'
            when coalesce(spend.spend_before, 0) = 0 then 'no_denominator'
        end as why_null
    from revenue
    inner join spend
        on
            revenue.grain = spend.grain
            and revenue.period_start = spend.period_start
)

{{ kpi_rows('compared', 'default', 'net_new_amount', 'spend_before', n='1', null_reason='why_null') }}

{%- endcall %}
