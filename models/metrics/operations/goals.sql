-- Goals: every target with what came of it: which are met, which are at risk, who answers for them, which pull against each other?
-- Grain: kpi, variant, grain, period_start, dimension, dimension_value, owner. On target: the value reaches the target; at risk: it
-- misses it by no more than 5 % of the target (metric_policy goal_status, at_risk_share). A running period shows what is so far.
-- Left out: goals of periods that have not begun.

with

goals as (
    select
        targets.period_start,
        targets.period_end,
        targets.grain,
        targets.kpi,
        targets.variant,
        targets.dimension,
        targets.dimension_value,
        targets.owner,
        cast(
            case
                -- a quota is an amount; its KPI is the share of it
                when targets.kpi = 'quota_attainment' then 1
                else targets.target
            end as double
        ) as target,
        catalog.direction,
        catalog.unit,
        catalog.title
    from {{ ref('kpi_targets') }} as targets
    inner join {{ ref('kpi_catalog') }} as catalog
        on
            targets.kpi = catalog.kpi
            and targets.variant = catalog.variant
    where targets.period_start <= {{ as_of_date() }}
),

measured as (
    select
        goals.*,
        kpi_rows.value as actual,
        kpi_rows.n,
        abs(goals.target) * {{ policy_value('goal_status', 'at_risk_share', 0.05) }} as margin
    from goals
    left join {{ ref('kpi_values') }} as kpi_rows
        on
            goals.kpi = kpi_rows.kpi
            and goals.variant = kpi_rows.variant
            and goals.grain = kpi_rows.grain
            and goals.period_start = kpi_rows.period_start
            and goals.dimension = kpi_rows.dimension
            and goals.dimension_value = kpi_rows.dimension_value
),

judged as (
    select
        *,
        case
            when actual is null then 'no_data'
            when direction = 'up' and actual >= target then 'on_target'
            when direction = 'down' and actual <= target then 'on_target'
            when direction = 'up' and actual >= target - margin then 'at_risk'
            when direction = 'down' and actual <= target + margin then 'at_risk'
            else 'off_target'
        end as status
    from measured
),

tensions as (
    select kpi_a, kpi_b from {{ ref('goal_tensions') }}
    union distinct
    select kpi_b as kpi_a, kpi_a as kpi_b from {{ ref('goal_tensions') }}
),

-- one department is where it wants to be, another is not, and the two goals pull against each other; or two departments set
-- different targets for the same value
conflicts as (
    select
        judged.kpi,
        judged.variant,
        judged.grain,
        judged.period_start,
        judged.dimension,
        judged.dimension_value,
        judged.owner,
        other.owner || ': ' || other.kpi as conflicts_with
    from judged
    inner join judged as other
        on
            judged.grain = other.grain
            and judged.period_start = other.period_start
            and judged.owner <> other.owner
            and other.dimension = 'all'
            and judged.dimension = 'all'
    left join tensions
        on
            judged.kpi = tensions.kpi_a
            and other.kpi = tensions.kpi_b
    where
        (
            tensions.kpi_a is not null
            and (
                (judged.status = 'on_target' and other.status in ('at_risk', 'off_target'))
                or (other.status = 'on_target' and judged.status in ('at_risk', 'off_target'))
            )
        )
        or (judged.kpi = other.kpi and judged.variant = other.variant and judged.target <> other.target)
),

-- reviews are held when a fiscal quarter is over
running_quarter as (
    select min(period_end) as ends_on
    from {{ ref('reporting_periods') }}
    where grain = 'quarter' and period_end > {{ as_of_date() }}
),

conflict_lists as (
    select
        kpi,
        variant,
        grain,
        period_start,
        dimension,
        dimension_value,
        owner,
        {{ ordered_array('conflicts_with') }} as conflicts_with
    from conflicts
    group by kpi, variant, grain, period_start, dimension, dimension_value, owner
)

select
    judged.period_start,
    judged.period_end,
    judged.grain,
    judged.kpi,
    judged.variant,
    judged.dimension,
    judged.dimension_value,
    judged.title,
    judged.direction,
    judged.unit,
    judged.target,
    judged.actual,
    cast(judged.n as bigint) as n,
    judged.status,
    judged.owner,
    judged.period_end > {{ as_of_date() }} as is_running,
    case
        when judged.period_end > {{ as_of_date() }} then least(judged.period_end, coalesce(running_quarter.ends_on, judged.period_end))
    end as next_review_on,
    coalesce(conflict_lists.conflicts_with, {{ text_array([]) }}) as conflicts_with
from judged
cross join running_quarter
left join conflict_lists
    on
        judged.kpi = conflict_lists.kpi
        and judged.variant = conflict_lists.variant
        and judged.grain = conflict_lists.grain
        and judged.period_start = conflict_lists.period_start
        and judged.dimension = conflict_lists.dimension
        and judged.dimension_value = conflict_lists.dimension_value
        and judged.owner = conflict_lists.owner
