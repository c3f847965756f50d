-- Whom do campaigns of Mailshake write to?
-- Grain: source_system, source_id. A person is a recipient once per campaign; identity makes them one.

with

assigned as (
    select
        source_system,
        recipient_id,
        assigned_to_id,
        row_number() over (partition by source_system, recipient_id order by created desc, id desc) as preference
    from {{ vendor_records('mailshake', 'lead') }} as leads
    where not is_gone
)

select
    recipients.source_system,
    recipients.id as source_id,
    recipients.created as created_at,
    cast(null as timestamp) as updated_at,
    recipients.is_gone as is_deleted,
    recipients.custom,
    'lead' as kind,
    recipients.email_address as email,
    recipients.full_name,
    recipients.first as first_name,
    recipients.last as last_name,
    recipients.phone,
    recipients.title,
    recipients.city,
    cast(null as {{ dbt.type_string() }}) as postal_code,
    cast(null as {{ dbt.type_string() }}) as country_code,
    recipients.company as company_name,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    assigned.assigned_to_id as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as lead_source,
    cast(null as timestamp) as converted_at,
    cast(null as {{ dbt.type_string() }}) as converted_account_source_id,
    cast(null as {{ dbt.type_string() }}) as converted_opportunity_source_id,
    cast(null as {{ dbt.type_string() }}) as linked_ids
from {{ vendor_records('mailshake', 'recipient') }} as recipients
left join assigned
    on
        recipients.source_system = assigned.source_system
        and recipients.id = assigned.recipient_id
        and assigned.preference = 1
