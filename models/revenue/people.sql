-- Which people do we know, where do they work, and which stage of the funnel have they reached?
-- Grain: person_id. Each attribute comes from the first record that has it: live before deleted, a system that holds
-- opportunities before others, then the most recently updated.
-- Left out: people of whom every record is deleted.

with

systems_with_deals as (
    select distinct source_system from {{ ref('entry_opportunities') }}
),

members as (
    select
        members.person_id,
        members.source_system,
        members.source_id,
        lower(trim(people.email)) as email,
        coalesce(
            people.full_name,
            nullif(trim(coalesce(people.first_name, '') || ' ' || coalesce(people.last_name, '')), '')
        ) as full_name,
        people.title,
        people.lead_source,
        account_members.account_id,
        coalesce(people.is_deleted, false) as is_deleted,
        row_number() over (
            partition by members.person_id
            order by
                case when coalesce(people.is_deleted, false) then 1 else 0 end,
                case when systems_with_deals.source_system is null then 1 else 0 end,
                case when people.updated_at is null then 1 else 0 end,
                people.updated_at desc,
                members.source_system,
                members.source_id
        ) as preference
    from {{ source('identity', 'person_members') }} as members
    left join {{ ref('entry_people') }} as people
        on
            members.source_system = people.source_system
            and members.source_id = people.source_id
    left join {{ source('identity', 'account_members') }} as account_members
        on
            people.source_system = account_members.source_system
            and coalesce(people.account_source_id, people.converted_account_source_id) = account_members.source_id
    left join systems_with_deals
        on members.source_system = systems_with_deals.source_system
),

{% set attributes = ['account_id', 'email', 'full_name', 'title', 'lead_source'] -%}

preferred as (
    select
        person_id,
        is_deleted,
        preference
        {%- for attribute in attributes %},
        {{ attribute }},
        min(case when {{ attribute }} is not null then preference end) over (partition by person_id)
            as {{ attribute }}_preference
        {%- endfor %}
    from members
),

golden as (
    select
        person_id
        {%- for attribute in attributes %},
        max(case when preference = {{ attribute }}_preference then {{ attribute }} end) as {{ attribute }}
        {%- endfor %}
    from preferred
    group by person_id
    having min(case when is_deleted then 1 else 0 end) = 0
),

funnel_rules as (
    select
        trim(source_system) as source_system,
        lower(trim(stage)) as stage,
        lower(trim(shared_stage)) as shared_stage
    from {{ ref('funnel_mapping') }}
),

stages_entered as (
    select
        members.person_id,
        coalesce(funnel_rules.shared_stage, lower(trim(events.stage))) as funnel_stage,
        row_number() over (
            partition by members.person_id
            order by events.entered_at desc, events.source_system, events.source_id
        ) as rank_from_last
    from {{ ref('entry_funnel_events') }} as events
    inner join {{ source('identity', 'person_members') }} as members
        on
            events.source_system = members.source_system
            and events.person_source_id = members.source_id
    left join funnel_rules
        on
            events.source_system = funnel_rules.source_system
            and lower(trim(events.stage)) = funnel_rules.stage
    where
        not events.is_deleted
        and {{ reporting_date('events.entered_at') }} <= {{ as_of_date() }}
)

select
    golden.person_id,
    golden.account_id,
    golden.email,
    golden.full_name,
    golden.title,
    stages_entered.funnel_stage,
    golden.lead_source
from golden
left join stages_entered
    on
        golden.person_id = stages_entered.person_id
        and stages_entered.rank_from_last = 1
