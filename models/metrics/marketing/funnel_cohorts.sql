-- Funnel cohorts: what became of the cases that entered a state in a month?
-- Grain: period_start, playbook, state. Conversion within 30 and 90 days counts cases old enough to have had the time only. Who
-- skips a state has passed it: it is counted as skipped, in the month it got past.
-- Left out: lost and onboarding, which nothing follows.

with

first_entries as (
    select
        case_id,
        playbook,
        state,
        state_order,
        min(occurred_at) as entered_at,
        min(occurred_on) as entered_on,
        count(*) as entries
    from {{ ref('process_events') }}
    group by case_id, playbook, state, state_order
),

states as (
    select distinct
        playbook,
        state,
        state_order
    from first_entries
    where state not in ('won', 'lost', 'onboarding')
),

ways as (
    select
        case_id,
        playbook,
        min(state_order) as first_order,
        max(case when state = 'lost' then 1 else 0 end) as is_lost
    from first_entries
    group by case_id, playbook
),

-- every case at every state that it entered or could have entered
passed as (
    select
        ways.case_id,
        states.playbook,
        states.state,
        states.state_order,
        max(ways.is_lost) as is_lost,
        max(case when own.state = states.state then own.entered_at end) as entered_at,
        max(case when own.state = states.state then own.entered_on end) as entered_on,
        max(case when own.state = states.state then own.entries end) as entries,
        min(case when own.state_order > states.state_order and own.state <> 'lost' then own.entered_at end) as beyond_at,
        min(case when own.state_order > states.state_order and own.state <> 'lost' then own.entered_on end) as beyond_on
    from ways
    inner join states
        on
            ways.playbook = states.playbook
            and ways.first_order <= states.state_order
    inner join first_entries as own
        on ways.case_id = own.case_id
    group by ways.case_id, states.playbook, states.state, states.state_order
),

timed as (
    select
        *,
        cast({{ dbt.date_trunc('month', 'coalesce(entered_on, beyond_on)') }} as date) as period_start,
        -- who came back to it has been further already
        greatest(
            cast({{ seconds_between('entered_at', 'coalesce(beyond_at, ' ~ end_of_as_of_day() ~ ')') }} as double) / 86400, 0
        ) as duration,
        case when beyond_at is null then 0 else 1 end as outcome,
        cast({{ seconds_between('entered_at', end_of_as_of_day()) }} as double) / 86400 as age
    from passed
    where entered_at is not null or beyond_at is not null
),

entered as (
    select *
    from timed
    where entered_at is not null
),

medians as (
    {{ median_time_to_event('entered', ['period_start', 'playbook', 'state']) }}
),

counted as (
    select
        period_start,
        playbook,
        state,
        max(state_order) as state_order,
        sum(case when entered_at is not null then 1 else 0 end) as entered,
        sum(case when entered_at is not null then outcome else 0 end) as moved_on,
        sum(case when entered_at is not null and outcome = 0 then is_lost else 0 end) as lost,
        sum(case when entries > 1 then 1 else 0 end) as re_entered,
        sum(case when entered_at is null then 1 else 0 end) as skipped,
        sum(case when age >= 30 then 1 else 0 end) as matured_30,
        sum(case when age >= 30 and outcome = 1 and duration <= 30 then 1 else 0 end) as moved_on_30,
        sum(case when age >= 90 then 1 else 0 end) as matured_90,
        sum(case when age >= 90 and outcome = 1 and duration <= 90 then 1 else 0 end) as moved_on_90
    from timed
    group by period_start, playbook, state
)

select
    counted.period_start,
    counted.playbook,
    counted.state,
    counted.state_order,
    cast(counted.entered as bigint) as entered,
    cast(counted.moved_on as bigint) as moved_on,
    cast(counted.lost as bigint) as lost,
    cast(counted.re_entered as bigint) as re_entered,
    cast(counted.skipped as bigint) as skipped,
    cast(counted.matured_30 as bigint) as matured_30,
    cast(counted.moved_on_30 as bigint) as moved_on_30,
    {{ safe_divide('counted.moved_on_30', 'counted.matured_30') }} as conversion_30,
    cast(counted.matured_90 as bigint) as matured_90,
    cast(counted.moved_on_90 as bigint) as moved_on_90,
    {{ safe_divide('counted.moved_on_90', 'counted.matured_90') }} as conversion_90,
    medians.median_duration as median_days
from counted
left join medians
    on
        counted.period_start = medians.period_start
        and counted.playbook = medians.playbook
        and counted.state = medians.state
