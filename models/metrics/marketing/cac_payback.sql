-- CAC payback: after how many days has the margin of new customers paid for their acquisition?
-- Grain: variant, grain, period_start, dimension, dimension_value. Spend ÷ (new recurring revenue ÷ 365 × gross margin), same
-- period.
-- Left out: periods without new recurring revenue: null.

{% call kpi_mart(inputs=['spend', 'subscription_periods'], variants={'default': 'days'}) -%}

with

spend_per_revenue as (
    select
        *,
        {{ money('numerator * 365') }} as spend_days,
        cast(denominator as double) * {{ policy_value('customer_lifetime_value', 'gross_margin', '1') }} as annual_margin
    from {{ ref('customer_acquisition_cost') }}
    where variant = 'ratio_to_new_arr'
)

{{ kpi_rows('spend_per_revenue', 'default', 'spend_days', 'annual_margin', n='n', unit='days') }}

{%- endcall %}
