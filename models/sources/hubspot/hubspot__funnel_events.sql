-- When contacts of HubSpot entered a stage of their life cycle, from the history of that property.
-- Grain: source_system, source_id. Events of archived and merged contacts are kept and flagged; HubSpot gives
-- the life cycle of a merged contact to the other one. Left out: the moments at which the stage was cleared.

select
    history.source_system,
    history.id as source_id,
    history.occurred_at as created_at,
    history.occurred_at as updated_at,
    history.is_gone or coalesce(contacts.archived, false) or contacts.is_gone or lost.lost_id is not null as is_deleted,
    history.custom,
    history.object_id as person_source_id,
    history.value as stage,
    history.occurred_at as entered_at
from {{ vendor_records('hubspot', 'property_history') }} as history
inner join {{ vendor_records('hubspot', 'contact') }} as contacts
    on
        history.source_system = contacts.source_system
        and history.object_id = contacts.id
left join {{ vendor_records('hubspot', 'merge') }} as lost
    on
        contacts.source_system = lost.source_system
        and contacts.id = lost.lost_id
        and lost.object = 'contacts'
        and not lost.is_gone
where history.object = 'contacts' and history.property = 'lifecyclestage' and history.value is not null
