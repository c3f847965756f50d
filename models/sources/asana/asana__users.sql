-- Who works in Asana?
-- Grain: source_system, source_id.

select
    source_system,
    gid as source_id,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at,
    is_gone as is_deleted,
    custom,
    name,
    email,
    cast(null as {{ dbt.type_string() }}) as department,
    cast(null as {{ dbt.type_string() }}) as team,
    cast(null as {{ dbt.type_string() }}) as role,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as manager_source_id,
    not is_gone as is_active,
    cast(null as date) as started_on,
    cast(null as date) as ended_on
from {{ vendor_records('asana', 'user', key='gid') }} as users
