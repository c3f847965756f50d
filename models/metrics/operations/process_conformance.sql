-- Process conformance: do cases follow the documented inbound and outbound process, and where do they leave it?
-- Grain: period_start, playbook, deviation. Moves by the fiscal quarter they end in; a case counts once per deviation. Deviation
-- 'none' is the cases of the quarter without any. Late: a documented move that took longer than the playbook allows. Overdue: a
-- case that still waits, or that never moved on, longer than that; in the quarter in which the time ran out.
-- Left out: states that no playbook knows; waits for a state that no source ever records.

with

documented as (
    select
        trim(playbook) as playbook,
        trim(from_state) as from_state,
        trim(to_state) as to_state,
        min({{ try_cast('max_days', 'double') }}) as max_days
    from {{ ref('playbook') }}
    group by trim(playbook), trim(from_state), trim(to_state)
),

-- how long a state may last: the longest of the moves out of it
allowed as (
    select
        documented.playbook,
        documented.from_state,
        max(documented.max_days) as max_days
    from documented
    inner join (
        select distinct
            playbook,
            state
        from {{ ref('process_events') }}
    ) as recorded
        on
            documented.playbook = recorded.playbook
            and documented.to_state = recorded.state
    where documented.max_days is not null
    group by documented.playbook, documented.from_state
),

-- what lies further along: the states the playbook reaches from here in two or three moves
ahead as (
    select distinct
        first_move.playbook,
        first_move.from_state,
        second_move.to_state
    from documented as first_move
    inner join documented as second_move
        on
            first_move.playbook = second_move.playbook
            and first_move.to_state = second_move.from_state
    union distinct
    select distinct
        first_move.playbook,
        first_move.from_state,
        third_move.to_state
    from documented as first_move
    inner join documented as second_move
        on
            first_move.playbook = second_move.playbook
            and first_move.to_state = second_move.from_state
    inner join documented as third_move
        on
            second_move.playbook = third_move.playbook
            and second_move.to_state = third_move.from_state
),

followed as (
    select
        case_id,
        playbook,
        state as from_state,
        lead(state) over (partition by case_id order by sequence) as to_state,
        occurred_at,
        lead(occurred_at) over (partition by case_id order by sequence) as left_at,
        occurred_on,
        amount
    from {{ ref('process_events') }}
),

moves as (
    select
        followed.case_id,
        followed.playbook,
        followed.from_state,
        followed.to_state,
        followed.amount,
        allowed.max_days as allowed_days,
        cast({{ seconds_between('followed.occurred_at', 'coalesce(followed.left_at, ' ~ end_of_as_of_day() ~ ')') }} as double)
        / 86400 as waited_days,
        coalesce(
            {{ reporting_date('followed.left_at') }},
            {{ date_add('day', 'cast(ceiling(coalesce(allowed.max_days, 0)) as integer)', 'followed.occurred_on') }}
        ) as happened_on,
        documented.playbook is not null as is_documented,
        documented.max_days,
        ahead.to_state is not null as is_ahead,
        backward.to_state is not null or returned.to_state is not null as is_backward
    from followed
    left join allowed
        on
            followed.playbook = allowed.playbook
            and followed.from_state = allowed.from_state
    left join documented
        on
            followed.playbook = documented.playbook
            and followed.from_state = documented.from_state
            and followed.to_state = documented.to_state
    left join ahead
        on
            followed.playbook = ahead.playbook
            and followed.from_state = ahead.from_state
            and followed.to_state = ahead.to_state
    left join documented as backward
        on
            followed.playbook = backward.playbook
            and followed.to_state = backward.from_state
            and followed.from_state = backward.to_state
    left join ahead as returned
        on
            followed.playbook = returned.playbook
            and followed.to_state = returned.from_state
            and followed.from_state = returned.to_state
    where followed.to_state is not null or allowed.max_days is not null
),

judged as (
    select
        *,
        case
            when to_state is null and waited_days > allowed_days then 'overdue: ' || from_state
            when to_state is null then null
            when is_documented and waited_days > max_days then 'late: ' || from_state || ' > ' || to_state
            when is_documented then null
            when is_backward then 'back: ' || from_state || ' > ' || to_state
            when is_ahead then 'skipped: ' || from_state || ' > ' || to_state
            else 'undocumented: ' || from_state || ' > ' || to_state
        end as deviation
    from moves
    where to_state is not null or waited_days > allowed_days
),

quarters as (
    select
        period_start,
        period_end
    from {{ ref('reporting_periods') }}
    where grain = 'quarter'
),

in_quarters as (
    select
        quarters.period_start,
        quarters.period_end,
        judged.playbook,
        judged.case_id,
        judged.deviation,
        judged.amount,
        case
            when judged.to_state is null then judged.waited_days - judged.allowed_days
            when judged.deviation like 'late%' then judged.waited_days - judged.max_days
        end as days_over
    from judged
    inner join quarters
        on
            quarters.period_start <= judged.happened_on
            and quarters.period_end > judged.happened_on
),

cases as (
    select
        period_start,
        playbook,
        case_id,
        max(period_end) as period_end,
        max(amount) as amount,
        max(case when deviation is null then 0 else 1 end) as has_deviated
    from in_quarters
    group by period_start, playbook, case_id
),

totals as (
    select
        period_start,
        playbook,
        max(period_end) as period_end,
        count(*) as cases,
        sum(1 - has_deviated) as conforming_cases,
        sum(case when has_deviated = 0 then amount end) as conforming_amount
    from cases
    group by period_start, playbook
),

deviations as (
    select
        period_start,
        playbook,
        deviation,
        count(distinct case_id) as cases,
        {{ percentile('days_over', 0.5) }} as median_days_over
    from in_quarters
    where deviation is not null
    group by period_start, playbook, deviation
),

amounts as (
    select
        period_start,
        playbook,
        deviation,
        sum(amount) as amount
    from (
        select
            period_start,
            playbook,
            deviation,
            case_id,
            max(amount) as amount
        from in_quarters
        where deviation is not null
        group by period_start, playbook, deviation, case_id
    ) as once_per_case
    group by period_start, playbook, deviation
),

listed as (
    select
        period_start,
        playbook,
        cast('none' as {{ dbt.type_string() }}) as deviation,
        conforming_cases as cases,
        cast(null as double) as median_days_over,
        conforming_amount as amount
    from totals
    union all
    select
        deviations.period_start,
        deviations.playbook,
        deviations.deviation,
        deviations.cases,
        deviations.median_days_over,
        amounts.amount
    from deviations
    inner join amounts
        on
            deviations.period_start = amounts.period_start
            and deviations.playbook = amounts.playbook
            and deviations.deviation = amounts.deviation
)

select
    listed.period_start,
    totals.period_end,
    listed.playbook,
    listed.deviation,
    cast(listed.cases as bigint) as cases,
    cast(totals.cases as bigint) as cases_in_total,
    {{ safe_divide('listed.cases', 'totals.cases') }} as share,
    listed.median_days_over,
    {{ money('listed.amount') }} as amount,
    cast(case when listed.deviation <> 'none' then row_number() over (
        partition by listed.period_start, listed.playbook
        order by case when listed.deviation = 'none' then 1 else 0 end, listed.cases desc, listed.deviation
    ) end as bigint) as deviation_rank
from listed
inner join totals
    on
        listed.period_start = totals.period_start
        and listed.playbook = totals.playbook
