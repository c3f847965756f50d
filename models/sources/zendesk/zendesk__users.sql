-- Agents and admins of Zendesk as users.
-- Grain: source_system, source_id. Deleted agents are users who left.

select
    agents.source_system,
    agents.id as source_id,
    agents.created_at,
    agents.updated_at,
    agents.is_gone as is_deleted,
    agents.custom,
    agents.name,
    agents.email,
    'customer_success' as department,
    teams.name as team,
    agents.role,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as manager_source_id,
    not coalesce(agents.is_deleted, false) and not coalesce(agents.suspended, false) and not agents.is_gone as is_active,
    cast(null as date) as started_on,
    cast(null as date) as ended_on
from {{ vendor_records('zendesk', 'user') }} as agents
left join {{ vendor_records('zendesk', 'group') }} as teams
    on
        agents.source_system = teams.source_system
        and agents.default_group_id = teams.id
where agents.role in ('agent', 'admin')
