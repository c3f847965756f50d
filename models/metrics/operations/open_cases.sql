-- Open cases: where does every live lead and deal stand, for how long, and is that usual?
-- Grain: case_type, case_id. Usual: the median of all stays of the same process, step and segment, running ones censored; rare: as
-- long as fewer than one in ten of those that ended.
-- Left out: leads of which nothing was heard for 180 days.

with

deal_stays as (
    select
        cast('deal' as {{ dbt.type_string() }}) as case_type,
        stays.opportunity_id as case_id,
        coalesce(stays.kind, 'new_business') as process,
        stays.shared_stage as step,
        coalesce(stays.segment, 'unknown') as segment,
        stays.entered_at,
        stays.exited_at,
        case when stays.exited_at is null and not stays.deal_is_closed then 1 else 0 end as is_open
    from {{ ref('stage_intervals') }} as stays
),

lead_events as (
    select
        case_id,
        playbook,
        state,
        segment,
        occurred_at,
        occurred_on,
        opportunity_id,
        lead(occurred_at) over (partition by case_id order by sequence) as next_at
    from {{ ref('process_events') }}
),

stays as (
    select
        case_type,
        case_id,
        process,
        step,
        segment,
        entered_at,
        exited_at,
        is_open
    from deal_stays
    union all
    select
        'lead' as case_type,
        case_id,
        playbook as process,
        state as step,
        segment,
        occurred_at as entered_at,
        next_at as exited_at,
        case
            when next_at is null and opportunity_id is null and occurred_on > {{ date_add('day', -180, as_of_date()) }} then 1
            else 0
        end as is_open
    from lead_events
    where state in ('lead', 'mql', 'first_touch', 'first_response', 'sql')
),

timed as (
    select
        *,
        cast({{ seconds_between('entered_at', 'coalesce(exited_at, ' ~ end_of_as_of_day() ~ ')') }} as double) / 86400 as duration,
        case when exited_at is null then 0 else 1 end as outcome
    from stays
),

medians as (
    {{ median_time_to_event('timed', ['case_type', 'process', 'step', 'segment']) }}
),

ended as (
    select
        case_type,
        process,
        step,
        segment,
        count(*) as ended_cases,
        {{ percentile('duration', 0.9) }} as p90_days
    from timed
    where outcome = 1
    group by case_type, process, step, segment
),

touched as (
    select
        opportunity_id,
        max(occurred_on) as last_touched_on
    from {{ ref('touches') }}
    where opportunity_id is not null
    group by opportunity_id
),

limits as (
    select
        trim(playbook) as playbook,
        trim(from_state) as state,
        max({{ try_cast('max_days', 'double') }}) as max_days,
        min(case when trim(to_state) <> 'lost' then trim(to_state) end) as next_step,
        min(case when trim(to_state) <> 'lost' then trim(department) end) as next_department
    from {{ ref('playbook') }}
    group by trim(playbook), trim(from_state)
),

people_of_cases as (
    select
        case_id,
        max(person_id) as person_id,
        max(account_id) as account_id
    from {{ ref('process_events') }}
    group by case_id
),

described as (
    select
        timed.case_type,
        timed.case_id,
        timed.process,
        timed.step,
        timed.segment,
        timed.duration as days,
        {{ reporting_date('timed.entered_at') }} as since,
        medians.median_duration as usual_days,
        ended.p90_days,
        coalesce(ended.ended_cases, 0) as ended_cases,
        limits.max_days,
        limits.next_step,
        limits.next_department,
        coalesce(deals.account_id, people_of_cases.account_id) as account_id,
        coalesce(deals.person_id, people_of_cases.person_id) as person_id,
        deals.owner_name,
        deals.team,
        deals.amount,
        deals.expected_close_on,
        touched.last_touched_on
    from timed
    left join medians
        on
            timed.case_type = medians.case_type
            and timed.process = medians.process
            and timed.step = medians.step
            and timed.segment = medians.segment
    left join ended
        on
            timed.case_type = ended.case_type
            and timed.process = ended.process
            and timed.step = ended.step
            and timed.segment = ended.segment
    left join {{ ref('opportunities') }} as deals
        on timed.case_id = deals.opportunity_id
    left join people_of_cases
        on timed.case_id = people_of_cases.case_id
    left join touched
        on timed.case_id = touched.opportunity_id
    left join limits
        on
            coalesce(deals.direction, timed.process) = limits.playbook
            and timed.step = limits.state
            and (timed.case_type = 'lead' or timed.process = 'new_business')
    where timed.is_open = 1
)

select
    case_type,
    case_id,
    process,
    step,
    segment,
    since,
    days,
    usual_days,
    p90_days,
    cast(ended_cases as bigint) as ended_cases,
    max_days,
    next_step,
    next_department,
    account_id,
    person_id,
    owner_name,
    team,
    {{ money('amount') }} as amount,
    expected_close_on,
    last_touched_on,
    case
        when case_type = 'deal' and owner_name is null then 'nobody owns it'
        when days > max_days then 'longer than the playbook allows'
        when ended_cases >= 10 and days > p90_days then 'longer than nine in ten'
        when expected_close_on < {{ as_of_date() }} then 'its close date has passed'
        when days > usual_days then 'longer than usual'
        else 'as usual'
    end as standing
from described
