-- Persons of Pipedrive as people.
-- Grain: source_system, source_id. Deleted and merged persons are kept and flagged.

select
    persons.source_system,
    persons.id as source_id,
    persons.add_time as created_at,
    persons.update_time as updated_at,
    coalesce(persons.is_deleted, false) or persons.is_gone as is_deleted,
    persons.custom,
    'contact' as kind,
    persons.email,
    persons.name as full_name,
    persons.first_name,
    persons.last_name,
    persons.phone,
    persons.job_title as title,
    persons.postal_address_locality as city,
    persons.postal_address_postal_code as postal_code,
    {{ country_code('persons.custom', ['postal_address_country']) }} as country_code,
    organizations.name as company_name,
    persons.org_id as account_source_id,
    persons.owner_id as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as lead_source,
    cast(null as timestamp) as converted_at,
    cast(null as {{ dbt.type_string() }}) as converted_account_source_id,
    cast(null as {{ dbt.type_string() }}) as converted_opportunity_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('pipedrive', 'person') }} as persons
left join {{ vendor_records('pipedrive', 'organization') }} as organizations
    on
        persons.source_system = organizations.source_system
        and persons.org_id = organizations.id
