{#- What every advertising platform becomes: its raw tables have the same columns. The models of a vendor say which channel its
    campaigns are of. -#}
{% macro advertising_campaigns(kind, channel='channel') -%}
select
    source_system,
    id as source_id,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at,
    is_gone or coalesce(is_removed, false) as is_deleted,
    custom,
    name,
    {{ channel }} as channel,
    lower(objective) as kind,
    starts_on,
    ends_on,
    budget as budget_amount,
    currency as currency_code
from {{ vendor_records(kind, 'campaign') }} as campaigns
{%- endmacro %}

{% macro advertising_spend(kind, channel='channel') -%}
select
    source_system,
    id as source_id,
    cast(null as timestamp) as created_at,
    cast(null as timestamp) as updated_at,
    is_gone as is_deleted,
    custom,
    {{ adapter.quote('day') }} as spent_on,
    cast(null as date) as spent_until,
    'marketing' as department,
    'advertising' as category,
    {{ channel }} as channel,
    campaign as campaign_source_id,
    cost as amount,
    currency as currency_code
from {{ vendor_records(kind, 'campaign_day') }} as campaign_days
where cost is not null
{%- endmacro %}
