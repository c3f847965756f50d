-- Companies of HubSpot as accounts.
-- Grain: source_system, source_id. Archived and merged companies are kept and flagged.

select
    companies.source_system,
    companies.id as source_id,
    companies.created_at,
    companies.updated_at,
    coalesce(companies.archived, false) or companies.is_gone or lost.lost_id is not null as is_deleted,
    companies.custom,
    companies.name,
    companies.domain as website_domain,
    companies.address as street_address,
    companies.city,
    companies.state,
    companies.zip as postal_code,
    {{ country_code('companies.custom', ['hs_country_code', 'country']) }} as country_code,
    cast(null as {{ dbt.type_string() }}) as region,
    companies.industry,
    cast(null as {{ dbt.type_string() }}) as segment,
    companies.numberofemployees as employee_count,
    companies.annualrevenue as annual_revenue,
    cast(null as {{ dbt.type_string() }}) as currency_code,
    companies.phone,
    cast(null as {{ dbt.type_string() }}) as tax_id,
    companies.hs_parent_company_id as parent_source_id,
    companies.hubspot_owner_id as owner_source_id,
    {{ linked_ids('salesforce', json_text('companies.custom', 'salesforceaccountid')) }} as linked_ids
from {{ vendor_records('hubspot', 'company') }} as companies
left join {{ vendor_records('hubspot', 'merge') }} as lost
    on
        companies.source_system = lost.source_system
        and companies.id = lost.lost_id
        and lost.object = 'companies'
        and not lost.is_gone
