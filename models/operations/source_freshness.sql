-- How fresh is what each source told us?
-- Grain: source_system, entity.
-- Left out: sources that were never read.

with

{% set entities = [
    'accounts', 'people', 'funnel_events', 'users', 'opportunities', 'opportunity_changes', 'opportunity_people',
    'campaigns', 'spend', 'touches', 'subscription_periods', 'contracts', 'invoices', 'forecasts', 'tickets', 'surveys',
    'product_usage', 'tasks', 'tool_usage',
] -%}

records as (
    {%- for entity in entities %}
    select
        source_system,
        '{{ entity }}' as entity,
        count(*) as row_count,
        sum(case when is_deleted then 1 else 0 end) as deleted_count,
        max(updated_at) as latest_update_at
    from {{ ref('entry_' ~ entity) }}
    group by source_system
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    inputs.source_system,
    inputs.entity,
    cast(coalesce(records.row_count, 0) as bigint) as row_count,
    cast(coalesce(records.deleted_count, 0) as bigint) as deleted_count,
    records.latest_update_at,
    coalesce(reads.read_at, of_source.read_at) as last_read_at,
    reads.location
from {{ source('run', 'inputs') }} as inputs
left join records
    on
        inputs.source_system = records.source_system
        and inputs.entity = records.entity
left join {{ source('run', 'reads') }} as reads
    on
        inputs.source_system = reads.source_system
        and inputs.entity = reads.entity
-- An entity that a vendor's models make of several tables is as fresh as the last read of its source.
left join (
    select
        source_system,
        max(read_at) as read_at
    from {{ source('run', 'reads') }}
    group by source_system
) as of_source
    on inputs.source_system = of_source.source_system
