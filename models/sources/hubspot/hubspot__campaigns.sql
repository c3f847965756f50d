-- Campaigns of HubSpot, and the sends of marketing e-mails that belong to none.
-- Grain: source_system, source_id.

select
    campaigns.source_system,
    campaigns.id as source_id,
    campaigns.created_at,
    campaigns.updated_at,
    campaigns.is_gone as is_deleted,
    campaigns.custom,
    campaigns.hs_name as name,
    cast(null as {{ dbt.type_string() }}) as channel,
    'campaign' as kind,
    campaigns.hs_start_date as starts_on,
    campaigns.hs_end_date as ends_on,
    campaigns.hs_budget_items_sum_amount as budget_amount,
    campaigns.hs_currency_code as currency_code
from {{ vendor_records('hubspot', 'campaign') }} as campaigns
union all
select
    sends.source_system,
    sends.id as source_id,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at,
    sends.is_gone as is_deleted,
    sends.custom,
    coalesce(sends.name, sends.subject) as name,
    'EMAIL_MARKETING' as channel,
    lower(sends.type) as kind,
    cast(null as date) as starts_on,
    cast(null as date) as ends_on,
    cast(null as decimal(18, 4)) as budget_amount,
    cast(null as {{ dbt.type_string() }}) as currency_code
from {{ vendor_records('hubspot', 'email_campaign') }} as sends
