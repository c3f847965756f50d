-- Quota attainment: how much of the target amount was won?
-- Grain: variant, grain, period_start, dimension, dimension_value. Targets are the rows of targets.csv for quota_attainment; a
-- longer period pools the targets inside it. In total: the target set for all, else the sum over teams.
-- Left out: slices without a target; a running period shows what was won so far.

{% call kpi_mart(inputs=['opportunities'], variants={'default': 'ratio'}) -%}

with

targets as (
    select
        dimension,
        dimension_value,
        grain,
        period_start,
        period_end,
        target
    from {{ ref('kpi_targets') }}
    where
        kpi = 'quota_attainment'
        and dimension in ('all', 'team', 'owner')
        and period_start <= {{ as_of_date() }}
),

totals as (
    select
        grain,
        period_start,
        period_end,
        coalesce(
            max(case when dimension = 'all' then target end),
            sum(case when dimension = 'team' then target end),
            sum(case when dimension = 'owner' then target end)
        ) as target
    from targets
    group by grain, period_start, period_end
),

set_targets as (
    select
        dimension,
        dimension_value,
        grain,
        period_start,
        period_end,
        target
    from targets
    where dimension <> 'all'
    union all
    select
        'all' as dimension,
        'all' as dimension_value,
        grain,
        period_start,
        period_end,
        target
    from totals
),

spine as (
    {{ period_spine('set_targets') }}
),

candidates as (
    select
        spine.grain,
        spine.period_start,
        spine.period_end,
        spine.dimension,
        spine.dimension_value,
        set_targets.target,
        set_targets.period_start as target_start,
        set_targets.period_end as target_end,
        case
            when set_targets.grain = spine.grain then 0
            when set_targets.grain = 'year' then 1
            when set_targets.grain = 'quarter' then 2
            else 3
        end as preference
    from spine
    left join set_targets
        on
            spine.dimension = set_targets.dimension
            and spine.dimension_value = set_targets.dimension_value
            and spine.period_start <= set_targets.period_start
            -- all time counts the targets of running periods too
            and (spine.period_end >= set_targets.period_end or spine.grain = 'all_time')
),

-- the target of the period itself, else those of the longest periods inside it: never a quarter and its months
preferred as (
    select
        *,
        min(preference) over (partition by grain, period_start, period_end, dimension, dimension_value) as best_preference
    from candidates
),

pooled as (
    select
        grain,
        period_start,
        period_end,
        dimension,
        dimension_value,
        {{ money('coalesce(sum(target), 0)') }} as target,
        min(target_start) as first_day,
        max(target_end) as end_day
    from preferred
    where preference = best_preference
    group by grain, period_start, period_end, dimension, dimension_value
),

won_deals as (
    select
        owner_name as owner,
        team,
        closed_on,
        amount
    from {{ ref('opportunities') }}
    where is_won and closed_on is not null
),

sliced_won as (
    {{ slice_by('won_deals', ['team', 'owner'], ['closed_on', 'amount']) }}
),

measured as (
    select
        pooled.grain,
        pooled.period_start,
        pooled.period_end,
        pooled.dimension,
        pooled.dimension_value,
        pooled.target,
        {{ money('coalesce(sum(sliced_won.amount), 0)') }} as won_amount,
        count(sliced_won.amount) as won
    from pooled
    left join sliced_won
        on
            pooled.dimension = sliced_won.dimension
            and pooled.dimension_value = sliced_won.dimension_value
            and pooled.first_day <= sliced_won.closed_on
            and pooled.end_day > sliced_won.closed_on
    group by
        pooled.grain, pooled.period_start, pooled.period_end, pooled.dimension, pooled.dimension_value, pooled.target
)

{{ kpi_rows('measured', 'default', 'won_amount', 'target', n='won') }}

{%- endcall %}
