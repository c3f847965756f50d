{#- A value is null exactly where a reason says why; periods are half-open and begin by the as-of day; shares keep to 0..1
    inside their interval; the total is always there. -#}
{% test kpi_rows_are_sound(model) %}
select
    kpi,
    variant,
    grain,
    period_start,
    dimension,
    dimension_value,
    value,
    null_reason
from {{ model }}
where
    (value is null) <> (null_reason is not null)
    or period_start >= period_end
    or period_start > {{ as_of_date() }}
    or (value is not null and (value <> value or abs(value) > 1e30))
    or (value_low is null) <> (value_high is null)
    or value_low > value + 1e-9 * (1 + abs(value))
    or value_high < value - 1e-9 * (1 + abs(value))
    or (unit = 'ratio' and (value_low < case when variant = 'nps' then -1 else -1e-9 end or value_high > 1 + 1e-9))
    or (kpi in ('win_rate', 'customer_churn') and variant in ('default', 'amount_weighted', 'revenue_gross') and (value < 0 or value > 1))
    or (kpi in ('renewals') and variant in ('default', 'logo', 'on_time', 'early', 'late') and (value < 0 or value > 1))
    or (kpi = 'gross_revenue_retention' and value > 1)
    or (kpi = 'forecast_accuracy' and variant = 'default' and (value < 0 or value > 1))
{% endtest %}
