-- When did each person first enter each stage of the shared funnel?
-- Grain: person_id, funnel_stage.
-- Left out: stages no rule of funnel_mapping.csv maps, entries after the as-of day.

with

rules as (
    select
        trim(source_system) as source_system,
        lower(trim(stage)) as stage,
        lower(trim(shared_stage)) as funnel_stage,
        cast(stage_order as integer) as stage_order
    from {{ ref('funnel_mapping') }}
)

select
    members.person_id,
    rules.funnel_stage,
    cast(min(rules.stage_order) as bigint) as stage_order,
    min(events.entered_at) as entered_at,
    min({{ reporting_date('events.entered_at') }}) as entered_on
from {{ ref('entry_funnel_events') }} as events
inner join rules
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
group by members.person_id, rules.funnel_stage
