{#- Sums of a sliced relation per reporting period; periods without rows are there with 0. `measures` maps a name to the
    expression summed; `date_column` is the day that decides the period. Sums are taken by month first: every period is whole months. -#}
{% macro sum_by_period(sliced, date_column, measures) -%}
    select
        spine.grain,
        spine.period_start,
        spine.period_end,
        spine.last_day,
        spine.last_month,
        spine.dimension,
        spine.dimension_value
        {%- for name in measures %},
        coalesce(totals.{{ name }}, 0) as {{ name }}
        {%- endfor %}
    from (
        {{ period_spine(sliced) }}
    ) as spine
    left join (
        select
            months.grain,
            months.period_start,
            monthly.dimension,
            monthly.dimension_value
            {%- for name in measures %},
            sum(monthly.{{ name }}) as {{ name }}
            {%- endfor %}
        from {{ ref('reporting_months') }} as months
        inner join (
            select
                cast({{ dbt.date_trunc('month', date_column) }} as date) as month_start,
                dimension,
                dimension_value
                {%- for name, expression in measures.items() %},
                sum({{ expression }}) as {{ name }}
                {%- endfor %}
            from {{ sliced }}
            where {{ date_column }} is not null
            group by cast({{ dbt.date_trunc('month', date_column) }} as date), dimension, dimension_value
        ) as monthly
            on months.month_start = monthly.month_start
        group by months.grain, months.period_start, monthly.dimension, monthly.dimension_value
    ) as totals
        on
            spine.grain = totals.grain
            and spine.period_start = totals.period_start
            and spine.dimension = totals.dimension
            and spine.dimension_value = totals.dimension_value
{%- endmacro %}
