-- Who signs in to Salesforce, or did?
-- Grain: source_system, source_id. Salesforce never deletes a user; former ones are not active.

select
    users.source_system,
    users.id as source_id,
    users.created_date as created_at,
    users.last_modified_date as updated_at,
    users.is_gone as is_deleted,
    users.custom,
    users.name,
    users.email,
    case
        when users.department is null then null
        when lower(users.department) like '%market%' then 'marketing'
        when lower(users.department) like '%revenue op%' or lower(users.department) like '%revops%' then 'revenue_operations'
        when lower(users.department) like '%success%' or lower(users.department) like '%support%' then 'customer_success'
        when lower(users.department) like '%sales%' then 'sales'
        else 'other'
    end as department,
    cast(null as {{ dbt.type_string() }}) as team,
    user_roles.name as role,
    cast(null as {{ dbt.type_string() }}) as region,
    users.manager_id as manager_source_id,
    users.is_active,
    cast(null as date) as started_on,
    cast(null as date) as ended_on
from {{ vendor_records('salesforce', 'user') }} as users
left join {{ vendor_records('salesforce', 'user_role') }} as user_roles
    on
        users.source_system = user_roles.source_system
        and users.user_role_id = user_roles.id
