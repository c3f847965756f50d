{#- Every reporting period for every slice of a sliced relation, the total always among them. -#}
{% macro period_spine(sliced) -%}
    select
        periods.grain,
        periods.period_start,
        periods.period_end,
        periods.last_day,
        periods.last_month,
        slices.dimension,
        slices.dimension_value
    from {{ ref('reporting_periods') }} as periods
    cross join (
        select dimension, dimension_value from {{ sliced }}
        union distinct
        select 'all' as dimension, 'all' as dimension_value
    ) as slices
{%- endmacro %}
