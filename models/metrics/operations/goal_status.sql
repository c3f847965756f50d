-- Goal status: is a KPI where it should be in a period, who answers for it, and which goals pull against it?
-- Grain: period_start, kpi, dimension_value. Where several goals share it, the one in the default reading, of the shortest period;
-- metrics.goals has all of them.
-- Left out: goals of periods that have not begun.

with

ranked as (
    select
        *,
        row_number() over (
            partition by period_start, kpi, dimension_value
            order by
                case when variant = 'default' then 0 else 1 end,
                period_end,
                variant,
                case when dimension = 'all' then 0 else 1 end,
                dimension,
                owner
        ) as place
    from {{ ref('goals') }}
)

select
    period_start,
    period_end,
    grain,
    kpi,
    variant,
    dimension,
    dimension_value,
    target,
    actual,
    n,
    status,
    owner,
    is_running,
    next_review_on,
    conflicts_with
from ranked
where place = 1
