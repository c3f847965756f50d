-- Campaigns of Mailshake.
-- Grain: source_system, source_id. An archived campaign is one that is over, not a deleted one.

select
    source_system,
    id as source_id,
    created as created_at,
    cast(null as timestamp) as updated_at,
    is_gone as is_deleted,
    custom,
    title as name,
    'outbound' as channel,
    'sales_sequence' as kind,
    {{ reporting_date('created') }} as starts_on,
    {{ reporting_date('ended_at') }} as ends_on,
    cast(null as decimal(18, 4)) as budget_amount,
    cast(null as {{ dbt.type_string() }}) as currency_code
from {{ vendor_records('mailshake', 'campaign') }} as campaigns
