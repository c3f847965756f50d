-- LTV to CAC: how many times does a customer bring back what it cost?
-- Grain: variant, grain, period_start, dimension, dimension_value. Customer lifetime value ÷ customer acquisition cost of the same
-- period, both in total.
-- Left out: periods in which either is null.

{% call kpi_mart(inputs=['spend', 'subscription_periods'], variants={'default': 'ratio'}) -%}

with

compared as (
    select
        worth.grain,
        worth.period_start,
        worth.period_end,
        worth.dimension,
        worth.dimension_value,
        worth.value as lifetime_value,
        cost.value as acquisition_cost,
        cost.n,
        coalesce(worth.null_reason, cost.null_reason, case when cost.value = 0 then 'no_denominator' end) as why_null
    from {{ ref('customer_lifetime_value') }} as worth
    inner join {{ ref('customer_acquisition_cost') }} as cost
        on
            worth.grain = cost.grain
            and worth.period_start = cost.period_start
            and worth.period_end = cost.period_end
            and worth.dimension = cost.dimension
            and worth.dimension_value = cost.dimension_value
    where worth.variant = 'default' and cost.variant = 'default' and worth.dimension = 'all'
)

{{ kpi_rows('compared', 'default', 'lifetime_value', 'acquisition_cost', n='n', null_reason='why_null') }}

{%- endcall %}
