-- End users of Zendesk as people.
-- Grain: source_system, source_id. Deleted users are kept and flagged. Left out: agents and admins, who are users.

select
    people.source_system,
    people.id as source_id,
    people.created_at,
    people.updated_at,
    coalesce(people.is_deleted, false) or people.is_gone as is_deleted,
    people.custom,
    'end_user' as kind,
    people.email,
    people.name as full_name,
    cast(null as {{ dbt.type_string() }}) as first_name,
    cast(null as {{ dbt.type_string() }}) as last_name,
    people.phone,
    cast(null as {{ dbt.type_string() }}) as title,
    cast(null as {{ dbt.type_string() }}) as city,
    cast(null as {{ dbt.type_string() }}) as postal_code,
    cast(null as {{ dbt.type_string() }}) as country_code,
    cast(null as {{ dbt.type_string() }}) as company_name,
    people.organization_id as account_source_id,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as lead_source,
    cast(null as timestamp) as converted_at,
    cast(null as {{ dbt.type_string() }}) as converted_account_source_id,
    cast(null as {{ dbt.type_string() }}) as converted_opportunity_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('zendesk', 'user') }} as people
where coalesce(people.role, 'end-user') not in ('agent', 'admin')
