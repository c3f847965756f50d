-- Companies of Intercom as accounts.
-- Grain: source_system, source_id. Deleted companies are kept and flagged.

select
    companies.source_system,
    companies.id as source_id,
    companies.created_at,
    companies.updated_at,
    companies.is_gone as is_deleted,
    companies.custom,
    companies.name,
    companies.website as website_domain,
    cast(null as {{ dbt.type_string() }}) as street_address,
    cast(null as {{ dbt.type_string() }}) as city,
    cast(null as {{ dbt.type_string() }}) as state,
    cast(null as {{ dbt.type_string() }}) as postal_code,
    cast(null as {{ dbt.type_string() }}) as country_code,
    cast(null as {{ dbt.type_string() }}) as region,
    companies.industry,
    cast(null as {{ dbt.type_string() }}) as segment,
    companies.size as employee_count,
    cast(null as decimal(18, 4)) as annual_revenue,
    cast(null as {{ dbt.type_string() }}) as currency_code,
    cast(null as {{ dbt.type_string() }}) as phone,
    cast(null as {{ dbt.type_string() }}) as tax_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('intercom', 'company') }} as companies
