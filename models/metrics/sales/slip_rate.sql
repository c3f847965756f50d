-- Slip rate: how much of what was expected to close in the period was still open at its end?
-- Grain: variant, grain, period_start, dimension, dimension_value. By amount, as the pipeline stood the day before the period.
-- Left out: periods that have not ended, all time and trailing twelve months, which have no forecast of their own.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}

{% call kpi_mart(inputs=['opportunities'], variants={'default': 'ratio'}) -%}

with

periods as (
    select
        grain,
        period_start,
        period_end,
        last_day,
        {{ date_add('day', -1, 'period_start') }} as day_before
    from {{ ref('reporting_periods') }}
    where grain in ('month', 'quarter', 'year') and period_end <= {{ date_add('day', 1, as_of_date()) }}
),

expected as (
    select
        periods.grain,
        periods.period_start,
        periods.period_end,
        deals.segment,
        deals.region,
        deals.owner_name as owner,
        deals.team,
        deals.product,
        deals.lead_source,
        deals.direction,
        deals.kind,
        coalesce(pipeline.amount, 0) as amount,
        -- a deal that closed after the end of the period was open at it
        coalesce(deals.closed_on > periods.last_day, not deals.is_closed) as has_slipped
    from periods
    inner join {{ ref('pipeline_daily') }} as pipeline
        on
            periods.day_before = pipeline.day
            and periods.period_start <= pipeline.expected_close_on
            and periods.period_end > pipeline.expected_close_on
    inner join {{ ref('opportunities') }} as deals
        on pipeline.opportunity_id = deals.opportunity_id
),

sliced as (
    {{ slice_by('expected', dimensions, ['grain', 'period_start', 'amount', 'has_slipped']) }}
),

spine as (
    {{ period_spine('sliced') }}
),

measured as (
    select
        spine.grain,
        spine.period_start,
        spine.period_end,
        spine.dimension,
        spine.dimension_value,
        {{ money('coalesce(sum(sliced.amount), 0)') }} as expected_amount,
        {{ money('coalesce(sum(case when sliced.has_slipped then sliced.amount end), 0)') }} as slipped_amount,
        count(sliced.amount) as deals
    from spine
    left join sliced
        on
            spine.grain = sliced.grain
            and spine.period_start = sliced.period_start
            and spine.dimension = sliced.dimension
            and spine.dimension_value = sliced.dimension_value
    where spine.grain in ('month', 'quarter', 'year')
    group by spine.grain, spine.period_start, spine.period_end, spine.dimension, spine.dimension_value
),

judged as (
    select
        *,
        case
            when period_end > {{ date_add('day', 1, as_of_date()) }} then 'insufficient_history'
            when expected_amount = 0 then 'no_denominator'
        end as why_null
    from measured
)

{{ kpi_rows('judged', 'default', 'slipped_amount', 'expected_amount', n='deals', null_reason='why_null') }}

{%- endcall %}
