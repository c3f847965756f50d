-- Which companies does Salesforce know?
-- Grain: source_system, source_id. Accounts in the bin and merged ones are kept and flagged.

select
    source_system,
    id as source_id,
    created_date as created_at,
    last_modified_date as updated_at,
    coalesce(is_deleted, false) or is_gone as is_deleted,
    custom,
    name,
    website as website_domain,
    billing_street as street_address,
    billing_city as city,
    billing_state as state,
    billing_postal_code as postal_code,
    coalesce(billing_country_code, billing_country) as country_code,
    cast(null as {{ dbt.type_string() }}) as region,
    industry,
    cast(null as {{ dbt.type_string() }}) as segment,
    number_of_employees as employee_count,
    annual_revenue,
    currency_iso_code as currency_code,
    phone,
    cast(null as {{ dbt.type_string() }}) as tax_id,
    parent_id as parent_source_id,
    owner_id as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('salesforce', 'account') }} as accounts
