-- Organizations of Zendesk as accounts.
-- Grain: source_system, source_id. Deleted organizations are kept and flagged.

select
    organizations.source_system,
    organizations.id as source_id,
    organizations.created_at,
    organizations.updated_at,
    coalesce(organizations.is_deleted, false) or organizations.is_gone as is_deleted,
    organizations.custom,
    organizations.name,
    organizations.domain as website_domain,
    cast(null as {{ dbt.type_string() }}) as street_address,
    cast(null as {{ dbt.type_string() }}) as city,
    cast(null as {{ dbt.type_string() }}) as state,
    cast(null as {{ dbt.type_string() }}) as postal_code,
    cast(null as {{ dbt.type_string() }}) as country_code,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as industry,
    cast(null as {{ dbt.type_string() }}) as segment,
    cast(null as bigint) as employee_count,
    cast(null as decimal(18, 4)) as annual_revenue,
    cast(null as {{ dbt.type_string() }}) as currency_code,
    cast(null as {{ dbt.type_string() }}) as phone,
    cast(null as {{ dbt.type_string() }}) as tax_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    {{ linked_ids('salesforce', 'organizations.external_id') }} as linked_ids
from {{ vendor_records('zendesk', 'organization') }} as organizations
