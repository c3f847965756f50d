-- Forecast accuracy: how close were the commit calls to what was won?
-- Grain: variant, grain, period_start, dimension, dimension_value. The call in force is the last commit submitted before the
-- period began (horizon_h: before its last h days); model: the forecast of fiscal quarters made from what was known then. A longer
-- grain pools the calls whose period lies inside it.
-- Left out: calls for periods that have not ended by the as-of day.

{% call kpi_mart(
    inputs=['forecasts', 'opportunities'],
    variants={
        'default': 'ratio', 'horizon_90': 'ratio', 'horizon_60': 'ratio', 'horizon_30': 'ratio', 'horizon_15': 'ratio',
        'bias': 'ratio', 'mape': 'ratio', 'skill_against_naive': 'ratio', 'weighted_pipeline': 'ratio',
        'model': 'ratio',
    }
) -%}

with

horizons as (
    {%- for name in ['default', 'horizon_90', 'horizon_60', 'horizon_30', 'horizon_15'] %}
    select
        cast('{{ name }}' as {{ dbt.type_string() }}) as horizon,
        {{ name.split('_')[1] if '_' in name else 'cast(null as integer)' }} as days_before_end
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

calls_before as (
    select
        horizons.horizon,
        calls.unit,
        calls.period_start,
        calls.period_end,
        calls.amount,
        row_number() over (
            partition by horizons.horizon, lower(calls.unit), calls.period_start, calls.period_end
            order by calls.submitted_at desc, calls.source_system desc, calls.source_id desc
        ) as rank_from_last
    from {{ ref('forecasts') }} as calls
    cross join horizons
    where
        calls.category = 'commit'
        and calls.period_end <= {{ date_add('day', 1, as_of_date()) }}
        and calls.submitted_on < case
            when horizons.days_before_end is null then calls.period_start
            else {{ date_add('day', '-coalesce(horizons.days_before_end, 0)', 'calls.period_end') }}
        end
),

forecasts_before as (
    select
        horizon,
        unit,
        period_start,
        period_end,
        amount
    from calls_before
    where rank_from_last = 1
    union all
    select
        'model' as horizon,
        unit,
        period_start,
        period_end,
        {{ money('forecast') }} as amount
    from {{ source('insight', 'forecast_backtest') }}
    where method = 'model' and horizon_days = 90
),

won_deals as (
    select
        deals.opportunity_id,
        deals.closed_on,
        deals.amount,
        deals.team,
        users.source_id as owner_source_id,
        users.name as owner_name
    from {{ ref('opportunities') }} as deals
    left join {{ ref('users') }} as users
        on deals.owner_id = users.user_id
    where deals.is_won and deals.closed_on is not null
),

won_by_unit as (
    select opportunity_id, closed_on, amount, 'company' as unit from won_deals
    union distinct
    select opportunity_id, closed_on, amount, lower(team) as unit from won_deals
    union distinct
    select opportunity_id, closed_on, amount, lower(owner_source_id) as unit from won_deals
    union distinct
    select opportunity_id, closed_on, amount, lower(owner_name) as unit from won_deals
),

-- what the source gives a stage now, for days of which it does not say what it gave then
stage_probabilities as (
    select
        shared_stage,
        {{ safe_divide('sum(cast(probability as decimal(38, 6)))', 'count(*)') }} as probability
    from {{ ref('opportunities') }}
    where not is_closed and shared_stage is not null and probability is not null
    group by shared_stage
),

-- what the pipeline of the day before the period promised: amount × probability of what was to close in the period
pipeline_by_unit as (
    select
        pipeline.day,
        pipeline.expected_close_on,
        lower(users.team) as team,
        lower(users.source_id) as owner_source_id,
        lower(users.name) as owner_name,
        cast(coalesce(pipeline.amount, 0) as double) * coalesce(pipeline.probability, stage_probabilities.probability, 0)
            as weighted_amount
    from {{ ref('pipeline_daily') }} as pipeline
    left join stage_probabilities
        on pipeline.shared_stage = stage_probabilities.shared_stage
    left join {{ ref('users') }} as users
        on pipeline.owner_id = users.user_id
),

compared as (
    select
        calls.forecast_unit,
        calls.period_start,
        calls.period_end,
        {{ money('coalesce(sum(won_by_unit.amount), 0)') }} as naive_forecast
    from (
        select
            unit as forecast_unit,
            period_start,
            period_end,
            {{ date_add(
                'month',
                '-((extract(year from period_end) - extract(year from period_start)) * 12
                + extract(month from period_end) - extract(month from period_start))',
                'period_start'
            ) }} as previous_start
        from calls_before
        where rank_from_last = 1 and horizon = 'default'
    ) as calls
    left join won_by_unit
        on
            lower(calls.forecast_unit) = won_by_unit.unit
            and calls.previous_start <= won_by_unit.closed_on
            and calls.period_start > won_by_unit.closed_on
    group by calls.forecast_unit, calls.period_start, calls.period_end
),

weighted as (
    select
        calls.unit as forecast_unit,
        calls.period_start,
        calls.period_end,
        cast(coalesce(sum({{ money('pipeline_by_unit.weighted_amount') }}), 0) as decimal(38, 6)) as weighted_forecast
    from calls_before as calls
    left join pipeline_by_unit
        on
            {{ date_add('day', -1, 'calls.period_start') }} = pipeline_by_unit.day
            and calls.period_start <= pipeline_by_unit.expected_close_on
            and calls.period_end > pipeline_by_unit.expected_close_on
            and (
                lower(calls.unit) = 'company'
                or lower(calls.unit) = pipeline_by_unit.team
                or lower(calls.unit) = pipeline_by_unit.owner_source_id
                or lower(calls.unit) = pipeline_by_unit.owner_name
            )
    where calls.rank_from_last = 1 and calls.horizon = 'default'
    group by calls.unit, calls.period_start, calls.period_end
),

actuals as (
    select
        forecasts_before.horizon,
        forecasts_before.unit as forecast_unit,
        forecasts_before.period_start,
        forecasts_before.period_end,
        forecasts_before.amount as forecast,
        {{ money('coalesce(sum(won_by_unit.amount), 0)') }} as actual
    from forecasts_before
    left join won_by_unit
        on
            lower(forecasts_before.unit) = won_by_unit.unit
            and forecasts_before.period_start <= won_by_unit.closed_on
            and forecasts_before.period_end > won_by_unit.closed_on
    group by
        forecasts_before.horizon, forecasts_before.unit, forecasts_before.period_start, forecasts_before.period_end,
        forecasts_before.amount
),

scored as (
    select
        actuals.*,
        compared.naive_forecast,
        weighted.weighted_forecast
    from actuals
    left join compared
        on
            actuals.horizon = 'default'
            and actuals.forecast_unit = compared.forecast_unit
            and actuals.period_start = compared.period_start
            and actuals.period_end = compared.period_end
    left join weighted
        on
            actuals.horizon = 'default'
            and actuals.forecast_unit = weighted.forecast_unit
            and actuals.period_start = weighted.period_start
            and actuals.period_end = weighted.period_end
),

sliced as (
    {{ slice_by('scored', ['forecast_unit'], [
        'horizon', 'period_start', 'period_end', 'forecast', 'actual', 'naive_forecast', 'weighted_forecast',
    ]) }}
),

spine as (
    select
        spine.*,
        horizons.horizon
    from (
        {{ period_spine('sliced') }}
    ) as spine
    cross join (
        select horizon from horizons
        union all
        select 'model' as horizon
    ) as horizons
),

pooled as (
    select
        spine.horizon,
        spine.grain,
        spine.period_start,
        spine.period_end,
        spine.dimension,
        spine.dimension_value,
        count(sliced.actual) as calls,
        {{ money('coalesce(sum(sliced.actual), 0)') }} as actual,
        {{ money('coalesce(sum(sliced.actual - sliced.forecast), 0)') }} as error,
        {{ money('coalesce(sum(abs(sliced.actual - sliced.forecast)), 0)') }} as absolute_error,
        {{ money('coalesce(sum(abs(sliced.actual - sliced.naive_forecast)), 0)') }} as naive_error,
        {{ money('coalesce(sum(abs(sliced.actual - sliced.weighted_forecast)), 0)') }} as weighted_error,
        -- as decimals, so that the sum does not depend on the order of the rows
        sum(case
            when sliced.actual > 0
                then cast({{ safe_divide('abs(sliced.actual - sliced.forecast)', 'sliced.actual') }} as decimal(38, 12))
        end) as percentage_error,
        count(case when sliced.actual > 0 then 1 end) as calls_with_actual
    from spine
    left join sliced
        on
            spine.horizon = sliced.horizon
            and spine.dimension = sliced.dimension
            and spine.dimension_value = sliced.dimension_value
            and spine.period_start <= sliced.period_start
            and spine.period_end >= sliced.period_end
    group by
        spine.horizon, spine.grain, spine.period_start, spine.period_end, spine.dimension, spine.dimension_value
),

measured as (
    select
        *,
        -- accuracy is floored at 0
        greatest(actual - absolute_error, {{ money('0') }}) as matched,
        greatest(actual - weighted_error, {{ money('0') }}) as weighted_matched,
        naive_error - absolute_error as error_saved
    from pooled
)

{%- for horizon in ['default', 'horizon_90', 'horizon_60', 'horizon_30', 'horizon_15'] %}
{{ kpi_rows('measured', horizon, 'matched', 'actual', n='calls', only="horizon = '" ~ horizon ~ "'") }}
union all
{%- endfor %}
{{ kpi_rows('measured', 'model', 'matched', 'actual', n='calls', only="horizon = 'model'") }}
union all
{{ kpi_rows('measured', 'bias', 'error', 'actual', n='calls', only="horizon = 'default'") }}
union all
{{ kpi_rows('measured', 'mape', 'percentage_error', 'calls_with_actual', only="horizon = 'default'") }}
union all
{{ kpi_rows('measured', 'skill_against_naive', 'error_saved', 'naive_error', n='calls', only="horizon = 'default'") }}
union all
{{ kpi_rows('measured', 'weighted_pipeline', 'weighted_matched', 'actual', n='calls', only="horizon = 'default'") }}

{%- endcall %}
