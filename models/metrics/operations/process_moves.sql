-- Process moves: which state follows which, how often, and after how long?
-- Grain: playbook, from_state, to_state: the directly-follows graph of every case, with '(start)' and '(end)'.
-- Left out: nothing; a case that still runs has no move to '(end)'.

with

ordered as (
    select
        case_id,
        playbook,
        state,
        occurred_at,
        lead(state) over (partition by case_id order by sequence) as next_state,
        lead(occurred_at) over (partition by case_id order by sequence) as next_at,
        sequence
    from {{ ref('process_events') }}
),

moves as (
    select
        case_id,
        playbook,
        state as from_state,
        coalesce(next_state, '(end)') as to_state,
        cast({{ seconds_between('occurred_at', 'next_at') }} as double) / 86400 as waited_days
    from ordered
    where next_state is not null or state not in (select trim(rules.from_state) from {{ ref('playbook') }} as rules)
    union all
    select
        case_id,
        playbook,
        '(start)' as from_state,
        state as to_state,
        cast(null as double) as waited_days
    from ordered
    where sequence = 1
),

documented as (
    select
        trim(playbook) as playbook,
        trim(from_state) as from_state,
        trim(to_state) as to_state,
        min(cast(nullif(trim(max_days), '') as double)) as max_days
    from {{ ref('playbook') }}
    group by trim(playbook), trim(from_state), trim(to_state)
)

select
    moves.playbook,
    moves.from_state,
    moves.to_state,
    cast(count(*) as bigint) as moves,
    cast(count(distinct moves.case_id) as bigint) as cases,
    cast(avg(cast(moves.waited_days as decimal(38, 9))) as double) as mean_days,
    {{ percentile('moves.waited_days', 0.5) }} as median_days,
    {{ percentile('moves.waited_days', 0.9) }} as p90_days,
    max(documented.max_days) as max_days,
    max(case when documented.from_state is null then 0 else 1 end) = 1
    or moves.from_state = '(start)'
    or moves.to_state = '(end)' as is_documented
from moves
left join documented
    on
        moves.playbook = documented.playbook
        and moves.from_state = documented.from_state
        and moves.to_state = documented.to_state
group by moves.playbook, moves.from_state, moves.to_state
