-- Contacts of HubSpot as people. Whoever ever was a lead is one: the life cycle moves on, the lead does not go away.
-- Grain: source_system, source_id. Archived and merged contacts are kept and flagged.

select
    contacts.source_system,
    contacts.id as source_id,
    contacts.created_at,
    contacts.updated_at,
    coalesce(contacts.archived, false) or contacts.is_gone or lost.lost_id is not null as is_deleted,
    contacts.custom,
    case
        when
            contacts.lifecyclestage in ('lead', 'marketingqualifiedlead', 'salesqualifiedlead', 'opportunity')
            or contacts.hs_lifecyclestage_lead_date is not null
            or contacts.hs_lifecyclestage_marketingqualifiedlead_date is not null
            or contacts.hs_lifecyclestage_salesqualifiedlead_date is not null
            then 'lead'
        when coalesce(contacts.lifecyclestage, 'subscriber') = 'subscriber' then 'subscriber'
        else 'contact'
    end as kind,
    contacts.email,
    cast(null as {{ dbt.type_string() }}) as full_name,
    contacts.firstname as first_name,
    contacts.lastname as last_name,
    contacts.phone,
    contacts.jobtitle as title,
    contacts.city,
    contacts.zip as postal_code,
    {{ country_code('contacts.custom', ['hs_country_region_code', 'country']) }} as country_code,
    contacts.company as company_name,
    contacts.associatedcompanyid as account_source_id,
    contacts.hubspot_owner_id as owner_source_id,
    contacts.hs_analytics_source as lead_source,
    contacts.hs_lifecyclestage_opportunity_date as converted_at,
    case
        when contacts.hs_lifecyclestage_opportunity_date is not null then contacts.associatedcompanyid
    end as converted_account_source_id,
    cast(null as {{ dbt.type_string() }}) as converted_opportunity_source_id,
    {{ linked_ids('salesforce', 'coalesce('
        ~ json_text('contacts.custom', 'salesforcecontactid') ~ ', ' ~ json_text('contacts.custom', 'salesforceleadid')
        ~ ')') }} as linked_ids
from {{ vendor_records('hubspot', 'contact') }} as contacts
left join {{ vendor_records('hubspot', 'merge') }} as lost
    on
        contacts.source_system = lost.source_system
        and contacts.id = lost.lost_id
        and lost.object = 'contacts'
        and not lost.is_gone
