-- Bottlenecks: in which step do cases wait longer than usual, and how much money waits with them?
-- Grain: period_start, process, step, segment. Cases that began the step in the fiscal quarter or the one before it, against those
-- of the two years before, cases that still run censored. A bottleneck: a permutation test of log-rank scores at a false
-- discovery rate of 5 % over all steps of the quarter, and a median at least a quarter above the usual one.
-- Left out: steps without cases. With fewer than 5 cases, or 10 usual ones, nothing is tested, and it says so.

-- depends_on: {{ ref('stage_intervals') }}, {{ ref('leads') }}, {{ ref('tickets') }}, {{ ref('entry_tasks') }}

with

ranked as (
    select
        *,
        row_number() over (
            partition by period_start
            order by case when is_bottleneck then 0 else 1 end, score desc, excess_days desc, process, step, segment
        ) as place
    from {{ source('insight', 'bottlenecks') }}
)

select
    ranked.period_start,
    periods.period_end,
    ranked.process,
    ranked.step,
    ranked.segment,
    ranked.cases,
    ranked.ended,
    ranked.days,
    ranked.usual_cases,
    ranked.usual_days,
    ranked.excess_days,
    ranked.amount_at_risk,
    ranked.score,
    ranked.p_value,
    ranked.false_discovery_rate,
    ranked.is_bottleneck,
    cast(case when ranked.is_bottleneck then ranked.place end as bigint) as bottleneck_rank,
    case
        when ranked.p_value is null then 'too few cases: needs 5 now and 10 before'
        when ranked.is_bottleneck and ranked.days is null then 'half of the cases have not ended yet'
        when ranked.is_bottleneck then 'slower than usual, beyond chance'
        when ranked.false_discovery_rate > 0.05 then 'no slower than chance explains'
        else 'slower by less than a quarter'
    end as reason
from ranked
inner join {{ ref('reporting_periods') }} as periods
    on
        periods.grain = 'quarter'
        and ranked.period_start = periods.period_start
