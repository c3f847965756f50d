-- The log of every case: which state did a lead or deal enter when, and who moved it there?
-- Grain: event_id. A case is a person's way from lead to a decided deal; after a decision the next lead or deal is another case.
-- Consecutive entries of one state are one event. States are those of seeds/playbook.csv: of the funnel, of deals, the first
-- response to a qualified lead, the first touch of a lead we went after, and onboarding after a win.
-- Left out: renewals and expansions, states that no playbook knows.

-- depends_on: {{ ref('stage_rules') }}

with

playbook_states as (
    select
        trim(playbook) as playbook,
        trim(from_state) as state
    from {{ ref('playbook') }}
    union distinct
    select
        trim(playbook) as playbook,
        trim(to_state) as state
    from {{ ref('playbook') }}
),

funnel_rules as (
    select
        trim(source_system) as source_system,
        lower(trim(stage)) as stage,
        lower(trim(shared_stage)) as state
    from {{ ref('funnel_mapping') }}
),

funnel as (
    select
        members.person_id,
        rules.state,
        events.entered_at as occurred_at
    from {{ ref('entry_funnel_events') }} as events
    inner join funnel_rules as rules
        on
            events.source_system = rules.source_system
            and lower(trim(events.stage)) = rules.stage
    inner join {{ source('identity', 'person_members') }} as members
        on
            events.source_system = members.source_system
            and events.person_source_id = members.source_id
    where
        not events.is_deleted
        and {{ reporting_date('events.entered_at') }} <= {{ as_of_date() }}
        -- the deals themselves say when they were opened and won
        and rules.state not in ('opportunity', 'customer')
),

-- the first time an employee reaches out after the person became a lead or was handed over, before it happens again
responses as (
    select
        funnel.person_id,
        case when funnel.state = 'mql' then 'first_response' else 'first_touch' end as state,
        min(touches.occurred_at) as occurred_at,
        min(users.department) as department
    from (
        select
            *,
            lead(occurred_at) over (partition by person_id, state order by occurred_at) as next_at
        from funnel
        where state in ('lead', 'mql')
    ) as funnel
    inner join {{ ref('touches') }} as touches
        on
            funnel.person_id = touches.person_id
            and touches.direction = 'outbound'
            and (touches.is_human or (funnel.state = 'lead' and touches.actor_id is not null))
            and touches.occurred_at >= funnel.occurred_at
            and (funnel.next_at is null or touches.occurred_at < funnel.next_at)
    left join {{ ref('users') }} as users
        on touches.actor_id = users.user_id
    group by funnel.person_id, funnel.state, funnel.occurred_at
),

deals as (
    select
        *,
        coalesce(person_id, opportunity_id) as subject_id
    from {{ ref('opportunities') }}
    where coalesce(kind, 'new_business') = 'new_business'
),

onboarding as (
    select
        deals.subject_id,
        deals.opportunity_id,
        min(tasks.opened_at) as occurred_at
    from deals
    inner join {{ ref('entry_tasks') }} as tasks
        on
            tasks.department = 'customer_success'
            and not tasks.is_deleted
            and tasks.opened_at >= deals.closed_at
            and {{ reporting_date('tasks.opened_at') }} <= {{ as_of_date() }}
    left join {{ source('identity', 'account_members') }} as members
        on
            tasks.source_system = members.source_system
            and tasks.account_source_id = members.source_id
    where
        deals.is_won
        and (
            deals.account_id = members.account_id
            or deals.opportunity_id = {{ surrogate_key(['tasks.source_system', 'tasks.opportunity_source_id']) }}
        )
    group by deals.subject_id, deals.opportunity_id
),

events as (
    select
        person_id as subject_id,
        cast(null as {{ dbt.type_string() }}) as opportunity_id,
        state,
        occurred_at,
        cast(null as {{ dbt.type_string() }}) as department
    from funnel
    union all
    select
        person_id as subject_id,
        null as opportunity_id,
        state,
        occurred_at,
        department
    from responses
    union all
    select
        deals.subject_id,
        deals.opportunity_id,
        'opportunity' as state,
        deals.opened_at as occurred_at,
        users.department
    from deals
    left join {{ ref('users') }} as users
        on deals.owner_id = users.user_id
    where deals.opened_at is not null
    union all
    select
        deals.subject_id,
        deals.opportunity_id,
        stays.shared_stage as state,
        stays.entered_at as occurred_at,
        users.department
    from {{ ref('stage_intervals') }} as stays
    inner join deals
        on stays.opportunity_id = deals.opportunity_id
    left join {{ ref('users') }} as users
        on deals.owner_id = users.user_id
    union all
    select
        deals.subject_id,
        deals.opportunity_id,
        case when deals.is_won then 'won' else 'lost' end as state,
        deals.closed_at as occurred_at,
        users.department
    from deals
    left join {{ ref('users') }} as users
        on deals.owner_id = users.user_id
    where deals.is_closed and deals.closed_at is not null
    union all
    select
        subject_id,
        opportunity_id,
        'onboarding' as state,
        occurred_at,
        'customer_success' as department
    from onboarding
),

ordered as (
    select
        *,
        case state
            when 'lead' then 1 when 'mql' then 2 when 'first_touch' then 3 when 'first_response' then 3 when 'sql' then 4
            when 'opportunity' then 5 when 'qualified' then 6 when 'proposal' then 7 when 'negotiation' then 8
            when 'onboarding' then 10 else 9
        end as usual_order
    from events
    where occurred_at is not null
),

numbered as (
    select
        *,
        sum(case when state in ('won', 'lost') then 1 else 0 end) over (
            partition by subject_id
            order by occurred_at, usual_order, state, opportunity_id
            rows between unbounded preceding and current row
        ) - case when state in ('won', 'lost', 'onboarding') then 1 else 0 end as cycle
    from ordered
),

first_touches as (
    select
        person_id,
        min(case when direction = 'inbound' then occurred_at end) as inbound_at,
        min(case when direction = 'outbound' then occurred_at end) as outbound_at
    from {{ ref('touches') }}
    where person_id is not null
    group by person_id
),

cases as (
    select
        numbered.subject_id,
        numbered.cycle,
        max(numbered.opportunity_id) as opportunity_id,
        max(case when numbered.state = 'mql' then 1 else 0 end) as has_mql
    from numbered
    group by numbered.subject_id, numbered.cycle
),

described as (
    select
        cases.subject_id,
        cases.cycle,
        cases.opportunity_id,
        coalesce(
            deals.direction,
            case
                when cases.has_mql = 1 then 'inbound'
                when first_touches.outbound_at is not null
                    and coalesce(first_touches.outbound_at < first_touches.inbound_at, true) then 'outbound'
                else 'inbound'
            end
        ) as playbook,
        people.person_id,
        coalesce(deals.account_id, people.account_id) as account_id,
        deals.amount
    from cases
    left join deals
        on cases.opportunity_id = deals.opportunity_id
    left join {{ ref('people') }} as people
        on cases.subject_id = people.person_id
    left join first_touches
        on cases.subject_id = first_touches.person_id
),

followed as (
    select
        numbered.*,
        described.playbook,
        described.person_id,
        described.account_id,
        described.opportunity_id as case_opportunity_id,
        described.amount,
        lag(numbered.state) over (
            partition by numbered.subject_id, numbered.cycle
            order by numbered.occurred_at, numbered.usual_order, numbered.state, numbered.opportunity_id
        ) as state_before
    from numbered
    inner join described
        on
            numbered.subject_id = described.subject_id
            and numbered.cycle = described.cycle
    inner join playbook_states
        on
            described.playbook = playbook_states.playbook
            and numbered.state = playbook_states.state
)

select
    {{ surrogate_key(['followed.subject_id', 'followed.state', 'followed.occurred_at', 'followed.opportunity_id']) }} as event_id,
    {{ surrogate_key(['followed.subject_id', 'followed.cycle']) }} as case_id,
    followed.playbook,
    followed.state,
    cast(followed.usual_order as bigint) as state_order,
    followed.occurred_at,
    {{ reporting_date('followed.occurred_at') }} as occurred_on,
    cast(row_number() over (
        partition by followed.subject_id, followed.cycle
        order by followed.occurred_at, followed.usual_order, followed.state, followed.opportunity_id
    ) as bigint) as sequence,
    followed.department,
    followed.person_id,
    followed.account_id,
    followed.case_opportunity_id as opportunity_id,
    coalesce(accounts.segment, 'unknown') as segment,
    coalesce(accounts.region, 'unknown') as region,
    followed.amount
from followed
left join {{ ref('accounts') }} as accounts
    on followed.account_id = accounts.account_id
where followed.state_before is null or followed.state_before <> followed.state
