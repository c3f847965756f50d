-- Contacts of deals of HubSpot and their role.
-- Grain: source_system, source_id.

select
    associations.source_system,
    associations.id as source_id,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at,
    associations.is_gone as is_deleted,
    associations.custom,
    associations.from_id as opportunity_source_id,
    associations.to_id as person_source_id,
    associations.label as role
from {{ vendor_records('hubspot', 'association') }} as associations
where associations.from_object = 'deals' and associations.to_object = 'contacts'
