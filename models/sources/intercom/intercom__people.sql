-- Users and leads of Intercom as people.
-- Grain: source_system, source_id. Deleted contacts, and leads that became users, are kept and flagged.

select
    contacts.source_system,
    contacts.id as source_id,
    contacts.created_at,
    contacts.updated_at,
    contacts.is_gone as is_deleted,
    contacts.custom,
    case when contacts.role = 'lead' then 'lead' else 'end_user' end as kind,
    contacts.email,
    contacts.name as full_name,
    cast(null as {{ dbt.type_string() }}) as first_name,
    cast(null as {{ dbt.type_string() }}) as last_name,
    contacts.phone,
    cast(null as {{ dbt.type_string() }}) as title,
    contacts.location_city as city,
    cast(null as {{ dbt.type_string() }}) as postal_code,
    {{ country_code('contacts.custom', ['location_country_code', 'location_country']) }} as country_code,
    companies.name as company_name,
    contacts.company_id as account_source_id,
    contacts.owner_id as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as lead_source,
    cast(null as timestamp) as converted_at,
    cast(null as {{ dbt.type_string() }}) as converted_account_source_id,
    cast(null as {{ dbt.type_string() }}) as converted_opportunity_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('intercom', 'contact') }} as contacts
left join {{ vendor_records('intercom', 'company') }} as companies
    on
        contacts.source_system = companies.source_system
        and contacts.company_id = companies.id
