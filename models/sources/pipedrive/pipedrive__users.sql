-- Users of Pipedrive.
-- Grain: source_system, source_id. Deactivated users are users who left.

select
    users.source_system,
    users.id as source_id,
    users.created as created_at,
    users.modified as updated_at,
    coalesce(users.is_deleted, false) or users.is_gone as is_deleted,
    users.custom,
    users.name,
    users.email,
    cast(null as {{ dbt.type_string() }}) as department,
    cast(null as {{ dbt.type_string() }}) as team,
    cast(null as {{ dbt.type_string() }}) as role,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as manager_source_id,
    users.active_flag and not users.is_gone as is_active,
    cast(null as date) as started_on,
    cast(null as date) as ended_on
from {{ vendor_records('pipedrive', 'user') }} as users
