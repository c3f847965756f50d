-- Which customers does Chargebee know?
-- Grain: source_system, source_id. Deleted customers are kept and flagged.

select
    source_system,
    id as source_id,
    created_at,
    updated_at,
    is_gone or coalesce(deleted, false) as is_deleted,
    custom,
    coalesce(company, nullif(trim(concat(coalesce(first_name, ''), ' ', coalesce(last_name, ''))), ''), email) as name,
    cast(null as {{ dbt.type_string() }}) as website_domain,
    billing_address_line1 as street_address,
    billing_address_city as city,
    billing_address_state as state,
    billing_address_zip as postal_code,
    billing_address_country as country_code,
    cast(null as {{ dbt.type_string() }}) as region,
    cast(null as {{ dbt.type_string() }}) as industry,
    cast(null as {{ dbt.type_string() }}) as segment,
    cast(null as bigint) as employee_count,
    cast(null as decimal(18, 4)) as annual_revenue,
    preferred_currency_code as currency_code,
    phone,
    vat_number as tax_id,
    relationship_parent_id as parent_source_id,
    cast(null as {{ dbt.type_string() }}) as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('chargebee', 'customer') }} as customers
