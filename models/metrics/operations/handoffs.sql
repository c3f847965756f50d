-- Hand-offs: where does work wait, or get lost, between two departments?
-- Grain: period_start, from_department, to_department. Cases handed over in the fiscal quarter: they entered a state into which,
-- by seeds/playbook.csv, one department moves them and out of which another one does ('nobody' where the playbook names none).
-- Stalled: the slowest region, segment or state, or all of them, is slower than in the two years before, beyond chance (false
-- discovery rate 5 % over the quarter) and by at least a quarter.
-- Left out: hand-offs whose next state no source records.

-- depends_on: {{ ref('process_events') }}

select
    handoffs.period_start,
    periods.period_end,
    handoffs.from_department,
    handoffs.to_department,
    handoffs.handed_over,
    handoffs.taken_over,
    handoffs.taken_by_others,
    handoffs.dropped,
    handoffs.late,
    {{ safe_divide('handoffs.late', 'handoffs.handed_over') }} as late_share,
    handoffs.max_days,
    handoffs.days,
    handoffs.usual_days,
    handoffs.amount_waiting,
    handoffs.worst_dimension,
    handoffs.worst_value,
    handoffs.worst_cases,
    handoffs.worst_days,
    handoffs.worst_usual_days,
    handoffs.p_value,
    handoffs.false_discovery_rate,
    handoffs.is_stalled,
    case
        when handoffs.to_department = 'nobody' then 'nobody owns what comes next'
        when handoffs.p_value is null then 'too few cases: needs 5 now and 10 before'
        when handoffs.is_stalled and handoffs.worst_dimension = 'all' then 'slower than usual, beyond chance'
        when handoffs.is_stalled
            then 'slower than usual, beyond chance: ' || handoffs.worst_dimension || ' ' || handoffs.worst_value
        else 'as usual'
    end as reason
from {{ source('insight', 'handoffs') }} as handoffs
inner join {{ ref('reporting_periods') }} as periods
    on
        periods.grain = 'quarter'
        and handoffs.period_start = periods.period_start
