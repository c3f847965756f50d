-- When did each lead enter each status?
-- Grain: source_system, source_id. The status a lead was created with is the old value of its first change, else its status now.
-- Left out: changes of other fields, and statuses before field history was switched on.

with

changes as (
    select
        source_system,
        id,
        lead_id,
        old_value,
        new_value,
        created_date,
        is_gone,
        is_deleted,
        row_number() over (partition by source_system, lead_id order by created_date asc, id asc) as change_number
    from {{ vendor_records('salesforce', 'lead_history') }} as lead_history
    where field = 'Status'
),

entered as (
    select
        changes.source_system,
        changes.id as source_id,
        changes.lead_id,
        changes.new_value as stage,
        changes.created_date as entered_at,
        coalesce(changes.is_deleted, false) or changes.is_gone as is_deleted
    from changes
    union all
    select
        leads.source_system,
        leads.id as source_id,
        leads.id as lead_id,
        case when changes.id is null then leads.status else changes.old_value end as stage,
        leads.created_date as entered_at,
        coalesce(leads.is_deleted, false) or leads.is_gone as is_deleted
    from {{ vendor_records('salesforce', 'lead') }} as leads
    left join changes
        on
            leads.source_system = changes.source_system
            and leads.id = changes.lead_id
            and changes.change_number = 1
)

select
    source_system,
    source_id,
    entered_at as created_at,
    cast(null as timestamp) as updated_at,
    is_deleted,
    cast(null as {{ dbt.type_string() }}) as custom,
    lead_id as person_source_id,
    stage,
    entered_at
from entered
where stage is not null and entered_at is not null
