-- Service tickets of HubSpot.
-- Grain: source_system, source_id. Archived and merged tickets are kept and flagged.
-- Left out: tickets without a time of opening.

with

associated as (
    select
        source_system,
        from_id,
        to_object,
        to_id,
        row_number() over (partition by source_system, from_id, to_object order by length(to_id), to_id) as preference
    from {{ vendor_records('hubspot', 'association') }} as associations
    where from_object = 'tickets' and not is_gone
)

select
    tickets.source_system,
    tickets.id as source_id,
    tickets.created_at,
    tickets.updated_at,
    coalesce(tickets.archived, false) or tickets.is_gone or lost.lost_id is not null as is_deleted,
    tickets.custom,
    company.to_id as account_source_id,
    contact.to_id as person_source_id,
    tickets.hubspot_owner_id as assignee_source_id,
    cast(null as {{ dbt.type_string() }}) as team,
    lower(tickets.hs_ticket_priority) as priority,
    coalesce(stages.label, tickets.hs_pipeline_stage) as status,
    coalesce(tickets.createdate, tickets.created_at) as opened_at,
    tickets.first_agent_reply_date as first_replied_at,
    tickets.closed_date as solved_at,
    cast(null as bigint) as reopened_count,
    cast(null as double) as csat
from {{ vendor_records('hubspot', 'ticket') }} as tickets
left join {{ vendor_records('hubspot', 'pipeline_stage') }} as stages
    on
        tickets.source_system = stages.source_system
        and stages.id = 'tickets:' || tickets.hs_pipeline || ':' || tickets.hs_pipeline_stage
left join associated as company
    on
        tickets.source_system = company.source_system
        and tickets.id = company.from_id
        and company.to_object = 'companies'
        and company.preference = 1
left join associated as contact
    on
        tickets.source_system = contact.source_system
        and tickets.id = contact.from_id
        and contact.to_object = 'contacts'
        and contact.preference = 1
left join {{ vendor_records('hubspot', 'merge') }} as lost
    on
        tickets.source_system = lost.source_system
        and tickets.id = lost.lost_id
        and lost.object = 'tickets'
        and not lost.is_gone
where coalesce(tickets.createdate, tickets.created_at) is not null
