-- Admins of Intercom as users.
-- Grain: source_system, source_id. An admin who is no longer listed is a user who left. The team is the first one the admin is in.

select
    admins.source_system,
    admins.id as source_id,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at,
    admins.is_gone as is_deleted,
    admins.custom,
    admins.name,
    admins.email,
    cast(null as {{ dbt.type_string() }}) as department,
    teams.name as team,
    admins.job_title as role,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as manager_source_id,
    not admins.is_gone as is_active,
    cast(null as date) as started_on,
    cast(null as date) as ended_on
from {{ vendor_records('intercom', 'admin') }} as admins
left join {{ vendor_records('intercom', 'team') }} as teams
    on
        admins.source_system = teams.source_system
        and admins.team_id = teams.id
