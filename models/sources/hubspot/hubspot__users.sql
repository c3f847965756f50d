-- Owners of HubSpot as users.
-- Grain: source_system, source_id. Archived owners are users who left.

select
    owners.source_system,
    owners.id as source_id,
    owners.created_at,
    owners.updated_at,
    owners.is_gone as is_deleted,
    owners.custom,
    nullif(trim(coalesce(owners.first_name, '') || ' ' || coalesce(owners.last_name, '')), '') as name,
    owners.email,
    cast(null as {{ dbt.type_string() }}) as department,
    owners.team,
    cast(null as {{ dbt.type_string() }}) as role,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as manager_source_id,
    not coalesce(owners.archived, false) and not owners.is_gone as is_active,
    cast(null as date) as started_on,
    cast(null as date) as ended_on
from {{ vendor_records('hubspot', 'owner') }} as owners
