-- Which customers does Stripe know?
-- Grain: source_system, source_id. Deleted customers are kept and flagged.

select
    source_system,
    id as source_id,
    created as created_at,
    cast(null as timestamp) as updated_at,
    is_gone as is_deleted,
    custom,
    coalesce(name, email) as name,
    cast(null as {{ dbt.type_string() }}) as website_domain,
    address_line1 as street_address,
    address_city as city,
    address_state as state,
    address_postal_code as postal_code,
    address_country as country_code,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as industry,
    cast(null as {{ dbt.type_string() }}) as segment,
    cast(null as bigint) as employee_count,
    cast(null as decimal(18, 4)) as annual_revenue,
    currency as currency_code,
    phone,
    cast(null as {{ dbt.type_string() }}) as tax_id,
    cast(null as {{ dbt.type_string() }}) as parent_source_id,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('stripe', 'customer') }} as customers
