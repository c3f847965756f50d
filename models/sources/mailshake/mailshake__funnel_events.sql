-- When did a recipient of Mailshake become a lead, and what became of the lead?
-- Grain: source_system, source_id. Mailshake knows when a status changed last; what was between is in our own versions.
-- Left out: leads without a recipient.

select
    source_system,
    id as source_id,
    created as created_at,
    created as updated_at,
    is_gone as is_deleted,
    cast(null as {{ dbt.type_string() }}) as custom,
    recipient_id as person_source_id,
    'open' as stage,
    created as entered_at
from {{ vendor_records('mailshake', 'lead') }} as leads
where recipient_id is not null and created is not null
union all
select
    source_system,
    id || ':' || status as source_id,
    last_status_change_date as created_at,
    last_status_change_date as updated_at,
    is_gone as is_deleted,
    cast(null as {{ dbt.type_string() }}) as custom,
    recipient_id as person_source_id,
    status as stage,
    last_status_change_date as entered_at
from {{ vendor_records('mailshake', 'lead') }} as leads
where recipient_id is not null and status is not null and last_status_change_date is not null
