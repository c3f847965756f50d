-- Quota attainment: how much of the target amount was won?
-- Grain: variant, grain, period_start, dimension, dimension_value. Targets are the rows of targets.csv for quota_attainment; a
-- longer period pools the targets inside it, the longest there are. In total: the target set for all, else the sum over
-- teams, else over owners. Counted is what was won from the first day with a target to the last.
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

-- A target counts for its own slice and in total.
set_targets as (
    select
        dimension,
        dimension_value,
        dimension_value as set_for_value,
        period_start,
        period_end,
        target,
        case grain when 'month' then 1 when 'quarter' then 3 else 12 end as months,
        case dimension when 'all' then 0 when 'team' then 1 else 2 end as place
    from targets
    union all
    select
        'all' as dimension,
        'all' as dimension_value,
        dimension_value as set_for_value,
        period_start,
        period_end,
        target,
        case grain when 'month' then 1 when 'quarter' then 3 else 12 end as months,
        case dimension when 'team' then 1 else 2 end as place
    from targets
    where dimension <> 'all'
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
        set_targets.set_for_value,
        set_targets.target,
        set_targets.period_start as target_start,
        set_targets.period_end as target_end,
        set_targets.months,
        set_targets.place
    from spine
    left join set_targets
        on
            spine.dimension = set_targets.dimension
            and spine.dimension_value = set_targets.dimension_value
            and spine.period_start <= set_targets.period_start
            -- all time counts the targets of running periods too
            and (spine.period_end >= set_targets.period_end or spine.grain = 'all_time')
),

-- Never the same days twice: the quarter goes before its months, the company before its teams, teams before owners.
preferred as (
    select candidates.*
    from candidates
    left join candidates as others
        on
            candidates.grain = others.grain
            and candidates.period_start = others.period_start
            and candidates.dimension = others.dimension
            and candidates.dimension_value = others.dimension_value
            and candidates.target_start < others.target_end
            and candidates.target_end > others.target_start
            -- slices of another kind are of another place
            and (
                candidates.place > others.place
                or (candidates.set_for_value = others.set_for_value and candidates.months < others.months)
            )
    where others.target is null
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
