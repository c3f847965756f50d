-- Who works in a Jira site?
-- Grain: source_system, source_id. Left out: apps.

select
    source_system,
    account_id as source_id,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at,
    is_gone as is_deleted,
    custom,
    display_name as name,
    email_address as email,
    cast(null as {{ dbt.type_string() }}) as department,
    cast(null as {{ dbt.type_string() }}) as team,
    cast(null as {{ dbt.type_string() }}) as role,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as manager_source_id,
    coalesce(active, true) and not is_gone as is_active,
    cast(null as date) as started_on,
    cast(null as date) as ended_on
from {{ vendor_records('jira', 'user', key='account_id') }} as users
