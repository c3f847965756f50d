{#- Median time to an event per reporting period, what is still going on censored. `sliced` has dimension, dimension_value,
    the day that decides the period, `duration` (days) and `outcome` (1 event, 2 competing, 0 still going on). -#}
{% macro median_by_period(sliced, date_column) -%}
    select
        counted.grain,
        counted.period_start,
        counted.period_end,
        counted.dimension,
        counted.dimension_value,
        counted.cases,
        medians.median_duration,
        -- an interval has two ends
        case when medians.median_high is not null then medians.median_low end as median_low,
        case when medians.median_duration is not null then medians.median_high end as median_high,
        case
            when counted.cases = 0 then 'no_denominator'
            when medians.median_duration is null then 'insufficient_history'
        end as null_reason
    from (
        {{ sum_by_period(sliced, date_column, {'cases': '1'}) }}
    ) as counted
    left join (
        {{ median_time_to_event(
            '(select months.grain, months.period_start, cases.dimension, cases.dimension_value, cases.duration, cases.outcome
            from ' ~ sliced ~ ' as cases
            inner join ' ~ ref('reporting_months') ~ ' as months
                on cast(' ~ dbt.date_trunc('month', 'cases.' ~ date_column) ~ ' as date) = months.month_start) as followed',
            ['grain', 'period_start', 'dimension', 'dimension_value']
        ) }}
    ) as medians
        on
            counted.grain = medians.grain
            and counted.period_start = medians.period_start
            and counted.dimension = medians.dimension
            and counted.dimension_value = medians.dimension_value
{%- endmacro %}
