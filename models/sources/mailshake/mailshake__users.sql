-- Users of Mailshake.
-- Grain: source_system, source_id.

select
    source_system,
    id as source_id,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at,
    is_gone as is_deleted,
    custom,
    full_name as name,
    email_address as email,
    'sales' as department,
    team_name as team,
    case when is_team_admin then 'admin' else 'member' end as role,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as manager_source_id,
    not coalesce(is_disabled, false) and not is_gone as is_active,
    cast(null as date) as started_on,
    cast(null as date) as ended_on
from {{ vendor_records('mailshake', 'team_member') }} as members
