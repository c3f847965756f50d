-- Pipeline coverage: is there enough open pipeline for the target of the period?
-- Grain: variant, grain, period_start, dimension, dimension_value. Open amount expected to close in the period ÷ (target − won so
-- far): for the running period as of the as-of day, for a period that has ended as of the day before it began.
-- Left out: slices and periods without a target; a target that is reached already has no remainder: null.

{% call kpi_mart(inputs=['opportunities'], variants={'default': 'ratio'}) -%}

with

quotas as (
    select
        grain,
        period_start,
        period_end,
        dimension,
        dimension_value,
        denominator as target,
        case when period_end > {{ as_of_date() }} then numerator else 0 end as won_so_far,
        case
            when period_end > {{ as_of_date() }} then {{ as_of_date() }}
            else {{ date_add('day', -1, 'period_start') }}
        end as measured_on
    from {{ ref('quota_attainment') }}
    where grain in ('month', 'quarter', 'year') and dimension in ('all', 'team', 'owner')
),

open_pipeline as (
    select
        pipeline.day,
        pipeline.expected_close_on,
        coalesce(pipeline.amount, 0) as amount,
        users.team,
        users.name as owner
    from {{ ref('pipeline_daily') }} as pipeline
    inner join (select distinct measured_on from quotas) as days
        on pipeline.day = days.measured_on
    left join {{ ref('users') }} as users
        on pipeline.owner_id = users.user_id
),

sliced as (
    {{ slice_by('open_pipeline', ['team', 'owner'], ['day', 'expected_close_on', 'amount']) }}
),

measured as (
    select
        quotas.grain,
        quotas.period_start,
        quotas.period_end,
        quotas.dimension,
        quotas.dimension_value,
        {{ money('greatest(quotas.target - quotas.won_so_far, 0)') }} as remaining_target,
        {{ money('coalesce(sum(sliced.amount), 0)') }} as open_amount,
        count(sliced.amount) as open_deals
    from quotas
    left join sliced
        on
            quotas.measured_on = sliced.day
            and quotas.dimension = sliced.dimension
            and quotas.dimension_value = sliced.dimension_value
            and quotas.period_start <= sliced.expected_close_on
            and quotas.period_end > sliced.expected_close_on
    group by
        quotas.grain, quotas.period_start, quotas.period_end, quotas.dimension, quotas.dimension_value,
        quotas.target, quotas.won_so_far
)

{{ kpi_rows('measured', 'default', 'open_amount', 'remaining_target', n='open_deals') }}

{%- endcall %}
