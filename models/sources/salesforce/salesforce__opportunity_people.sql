-- Which contacts take part in which deal?
-- Grain: source_system, source_id. Deleted roles are kept and flagged.

select
    source_system,
    id as source_id,
    created_date as created_at,
    last_modified_date as updated_at,
    coalesce(is_deleted, false) or is_gone as is_deleted,
    custom,
    opportunity_id as opportunity_source_id,
    contact_id as person_source_id,
    role
from {{ vendor_records('salesforce', 'opportunity_contact_role') }} as roles
where opportunity_id is not null and contact_id is not null
