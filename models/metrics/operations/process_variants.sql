-- Process variants: which ways do cases go, from their first state to the last, and how long does each way take?
-- Grain: playbook, variant. 'all' is every case of the playbook.
-- Left out: nothing; a case that still runs counts with the way it has gone so far.

with

cases as (
    select
        playbook,
        case_id,
        {{ ordered_path('state', 'sequence') }} as variant,
        count(*) as events,
        cast({{ seconds_between('min(occurred_at)', 'max(occurred_at)') }} as double) / 86400 as days
    from {{ ref('process_events') }}
    group by playbook, case_id
),

listed as (
    select
        playbook,
        variant,
        events,
        days
    from cases
    union all
    select
        playbook,
        'all' as variant,
        events,
        days
    from cases
),

counted as (
    select
        playbook,
        variant,
        count(*) as cases,
        sum(events) as events,
        cast(avg(cast(days as decimal(38, 9))) as double) as mean_days,
        {{ percentile('days', 0.5) }} as median_days
    from listed
    group by playbook, variant
)

select
    counted.playbook,
    counted.variant,
    cast(counted.cases as bigint) as cases,
    {{ safe_divide('counted.cases', 'totals.cases') }} as share,
    cast(counted.events as bigint) as events,
    counted.mean_days,
    counted.median_days
from counted
inner join counted as totals
    on
        counted.playbook = totals.playbook
        and totals.variant = 'all'
