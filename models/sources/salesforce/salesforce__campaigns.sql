-- Which campaigns does Salesforce know?
-- Grain: source_system, source_id. Deleted ones are kept and flagged.

select
    source_system,
    id as source_id,
    created_date as created_at,
    last_modified_date as updated_at,
    coalesce(is_deleted, false) or is_gone as is_deleted,
    custom,
    name,
    type as channel,
    type as kind,
    start_date as starts_on,
    end_date as ends_on,
    budgeted_cost as budget_amount,
    currency_iso_code as currency_code
from {{ vendor_records('salesforce', 'campaign') }} as campaigns
