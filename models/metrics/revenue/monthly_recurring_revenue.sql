-- Monthly recurring revenue: annual recurring revenue divided by twelve.
-- Grain: variant, grain, period_start, dimension, dimension_value.
-- Left out: what annual_recurring_revenue leaves out.

select
    variant,
    grain,
    period_start,
    period_end,
    dimension,
    dimension_value,
    value / 12 as value,
    {{ decimal_divide('numerator', 12) }} as numerator,
    denominator,
    n,
    value_low,
    value_high,
    unit,
    currency_code,
    null_reason
from {{ ref('annual_recurring_revenue') }}
where variant = 'default'
