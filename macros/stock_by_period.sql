{#- Stocks at the end of every reporting period: running sums of signed changes. `measures` maps a name to the change summed;
    changes before the first month count into it. -#}
{% macro stock_by_period(sliced, date_column, measures) -%}
    select
        spine.grain,
        spine.period_start,
        spine.period_end,
        spine.dimension,
        spine.dimension_value
        {%- for name in measures %},
        coalesce(stocks.{{ name }}, 0) as {{ name }}
        {%- endfor %}
    from (
        {{ period_spine(sliced) }}
    ) as spine
    left join (
        select
            slices.month_start,
            slices.dimension,
            slices.dimension_value
            {%- for name in measures %},
            sum(coalesce(monthly.{{ name }}, 0)) over (
                partition by slices.dimension, slices.dimension_value
                order by slices.month_start rows between unbounded preceding and current row
            ) as {{ name }}
            {%- endfor %}
        from (
            select distinct
                months.month_start,
                sliced.dimension,
                sliced.dimension_value
            from {{ ref('reporting_months') }} as months
            cross join (select distinct dimension, dimension_value from {{ sliced }}) as sliced
            where months.grain = 'month'
        ) as slices
        left join (
            select
                greatest(
                    cast({{ dbt.date_trunc('month', date_column) }} as date),
                    (select min(month_start) from {{ ref('reporting_months') }})
                ) as month_start,
                dimension,
                dimension_value
                {%- for name, expression in measures.items() %},
                sum({{ expression }}) as {{ name }}
                {%- endfor %}
            from {{ sliced }}
            where {{ date_column }} is not null
            group by 1, 2, 3
        ) as monthly
            on
                slices.month_start = monthly.month_start
                and slices.dimension = monthly.dimension
                and slices.dimension_value = monthly.dimension_value
    ) as stocks
        on
            spine.last_month = stocks.month_start
            and spine.dimension = stocks.dimension
            and spine.dimension_value = stocks.dimension_value
{%- endmacro %}
