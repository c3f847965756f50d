-- Which leads and contacts does Salesforce know? A converted lead and its contact are two records of one person.
-- Grain: source_system, source_id. Deleted and merged ones are kept and flagged.

with

conversions as (
    select
        source_system,
        lead_id,
        min(created_date) as converted_at
    from {{ vendor_records('salesforce', 'lead_history') }} as lead_history
    where field = 'leadConverted'
    group by source_system, lead_id
),

leads as (
    select
        leads.source_system,
        leads.id as source_id,
        leads.created_date as created_at,
        leads.last_modified_date as updated_at,
        coalesce(leads.is_deleted, false) or leads.is_gone as is_deleted,
        leads.custom,
        'lead' as kind,
        leads.email,
        leads.first_name,
        leads.last_name,
        leads.phone,
        leads.title,
        leads.city,
        leads.postal_code,
        coalesce(leads.country_code, leads.country) as country_code,
        leads.company as company_name,
        cast(null as {{ dbt.type_string() }}) as account_source_id,
        leads.owner_id as owner_source_id,
        leads.lead_source,
        case
            when leads.is_converted then coalesce(conversions.converted_at, cast(leads.converted_date as timestamp))
        end as converted_at,
        leads.converted_account_id as converted_account_source_id,
        leads.converted_opportunity_id as converted_opportunity_source_id
    from {{ vendor_records('salesforce', 'lead') }} as leads
    left join conversions
        on
            leads.source_system = conversions.source_system
            and leads.id = conversions.lead_id
),

contacts as (
    select
        source_system,
        id as source_id,
        created_date as created_at,
        last_modified_date as updated_at,
        coalesce(is_deleted, false) or is_gone as is_deleted,
        custom,
        'contact' as kind,
        email,
        first_name,
        last_name,
        phone,
        title,
        mailing_city as city,
        mailing_postal_code as postal_code,
        coalesce(mailing_country_code, mailing_country) as country_code,
        cast(null as {{ dbt.type_string() }}) as company_name,
        account_id as account_source_id,
        owner_id as owner_source_id,
        lead_source,
        cast(null as timestamp) as converted_at,
        cast(null as {{ dbt.type_string() }}) as converted_account_source_id,
        cast(null as {{ dbt.type_string() }}) as converted_opportunity_source_id
    from {{ vendor_records('salesforce', 'contact') }} as contacts
),

people as (
    select * from leads
    union all
    select * from contacts
)

select
    source_system,
    source_id,
    created_at,
    updated_at,
    is_deleted,
    custom,
    cast(kind as {{ dbt.type_string() }}) as kind,
    email,
    cast(null as {{ dbt.type_string() }}) as full_name,
    first_name,
    last_name,
    phone,
    title,
    city,
    postal_code,
    country_code,
    company_name,
    account_source_id,
    owner_source_id,
    lead_source,
    converted_at,
    converted_account_source_id,
    converted_opportunity_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from people
