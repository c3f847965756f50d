-- Tasks of users of HubSpot.
-- Grain: source_system, source_id. Archived tasks are kept and flagged.

with

associated as (
    select
        source_system,
        from_id,
        to_object,
        to_id,
        row_number() over (partition by source_system, from_id, to_object order by length(to_id), to_id) as preference
    from {{ vendor_records('hubspot', 'association') }} as associations
    where from_object = 'tasks' and not is_gone
)

select
    tasks.source_system,
    tasks.id as source_id,
    tasks.created_at,
    tasks.updated_at,
    coalesce(tasks.archived, false) or tasks.is_gone as is_deleted,
    tasks.custom,
    cast(null as {{ dbt.type_string() }}) as project,
    tasks.hs_task_subject as name,
    cast(null as {{ dbt.type_string() }}) as department,
    owners.team,
    tasks.hubspot_owner_id as assignee_source_id,
    company.to_id as account_source_id,
    deal.to_id as opportunity_source_id,
    tasks.hs_task_status as status,
    tasks.created_at as opened_at,
    {{ reporting_date('tasks.hs_timestamp') }} as due_on,
    case when tasks.hs_task_status = 'COMPLETED' then coalesce(tasks.hs_task_completion_date, tasks.updated_at) end
        as done_at
from {{ vendor_records('hubspot', 'task') }} as tasks
left join {{ vendor_records('hubspot', 'owner') }} as owners
    on
        tasks.source_system = owners.source_system
        and tasks.hubspot_owner_id = owners.id
left join associated as company
    on
        tasks.source_system = company.source_system
        and tasks.id = company.from_id
        and company.to_object = 'companies'
        and company.preference = 1
left join associated as deal
    on
        tasks.source_system = deal.source_system
        and tasks.id = deal.from_id
        and deal.to_object = 'deals'
        and deal.preference = 1
