-- Organizations of Pipedrive as accounts.
-- Grain: source_system, source_id. Deleted and merged organizations are kept and flagged.

select
    organizations.source_system,
    organizations.id as source_id,
    organizations.add_time as created_at,
    organizations.update_time as updated_at,
    coalesce(organizations.is_deleted, false) or organizations.is_gone as is_deleted,
    organizations.custom,
    organizations.name,
    organizations.website as website_domain,
    coalesce(
        nullif(
            trim(coalesce(organizations.address_route, '') || ' ' || coalesce(organizations.address_street_number, '')), ''
        ),
        organizations.address_value
    ) as street_address,
    organizations.address_locality as city,
    organizations.address_admin_area_level_1 as state,
    organizations.address_postal_code as postal_code,
    {{ country_code('organizations.custom', ['address_country']) }} as country_code,
    cast(null as {{ dbt.type_string() }}) as region,
    organizations.industry,
    cast(null as {{ dbt.type_string() }}) as segment,
    organizations.employee_count,
    organizations.annual_revenue,
    cast(null as {{ dbt.type_string() }}) as currency_code,
    cast(null as {{ dbt.type_string() }}) as phone,
    cast(null as {{ dbt.type_string() }}) as tax_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    organizations.owner_id as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('pipedrive', 'organization') }} as organizations
