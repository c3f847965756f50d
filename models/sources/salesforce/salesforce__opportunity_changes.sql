-- What changed about each deal, when, and by whom?
-- Grain: source_system, source_id. Stage, amount, close date, probability and forecast category are compared from save to save;
-- owner and the field that revops.yml names for recurring_amount come from field history; a deletion is the last change of a
-- deal in the bin.
-- Left out: the values a deal was created with, and names of owners, which field history gives beside their ids.

{% set compared = {
    'stage': 'stage_name', 'amount': 'amount', 'expected_close_on': 'close_date', 'probability': 'probability',
    'forecast_category': 'forecast_category',
} -%}

with

saves as (
    select
        source_system,
        id,
        opportunity_id,
        created_by_id,
        created_date,
        is_gone,
        stage_name,
        cast(amount as {{ dbt.type_string() }}) as amount,
        cast(close_date as {{ dbt.type_string() }}) as close_date,
        cast(probability / 100 as {{ dbt.type_string() }}) as probability,
        forecast_category,
        row_number() over (partition by source_system, opportunity_id order by created_date asc, id asc) as save_number
    from {{ vendor_records('salesforce', 'opportunity_history') }} as opportunity_history
),

pairs as (
    select
        saves.source_system,
        saves.id,
        saves.opportunity_id,
        saves.created_by_id,
        saves.created_date,
        saves.is_gone,
        {%- for column in compared.values() %}
        before.{{ column }} as {{ column }}_before,
        saves.{{ column }} as {{ column }}_after{{ ',' if not loop.last }}
        {%- endfor %}
    from saves
    inner join saves as before
        on
            saves.source_system = before.source_system
            and saves.opportunity_id = before.opportunity_id
            and saves.save_number = before.save_number + 1
),

changes as (
    {%- for field, column in compared.items() %}
    select
        source_system,
        id || ':{{ field }}' as source_id,
        opportunity_id,
        created_date as changed_at,
        '{{ field }}' as field,
        {{ column }}_before as old_value,
        {{ column }}_after as new_value,
        created_by_id,
        is_gone
    from pairs
    where
        {{ column }}_before <> {{ column }}_after
        or ({{ column }}_before is null and {{ column }}_after is not null)
        or ({{ column }}_before is not null and {{ column }}_after is null)
    union all
    {%- endfor %}
    select
        source_system,
        id as source_id,
        opportunity_id,
        created_date as changed_at,
        case when field = 'Owner' then 'owner_source_id' else 'recurring_amount' end as field,
        old_value,
        new_value,
        created_by_id,
        is_gone
    from {{ vendor_records('salesforce', 'opportunity_field_history') }} as field_history
    where
        (field = 'Owner' and coalesce(new_value, old_value) like '005%')
        {%- for source_name, entities in var('vendor_fields', {}).items() if entities.get('opportunities', {}).get('recurring_amount') %}
        or (source_system = '{{ source_name }}' and field = '{{ entities.opportunities.recurring_amount }}')
        {%- endfor %}
    union all
    select
        source_system,
        id || ':is_deleted' as source_id,
        id as opportunity_id,
        system_modstamp as changed_at,
        'is_deleted' as field,
        'false' as old_value,
        'true' as new_value,
        cast(null as {{ dbt.type_string() }}) as created_by_id,
        false as is_gone
    from {{ vendor_records('salesforce', 'opportunity') }} as deals
    where is_deleted and system_modstamp is not null
)

select
    source_system,
    cast(source_id as {{ dbt.type_string() }}) as source_id,
    changed_at as created_at,
    cast(null as timestamp) as updated_at,
    is_gone as is_deleted,
    cast(null as {{ dbt.type_string() }}) as custom,
    opportunity_id as opportunity_source_id,
    changed_at,
    cast(field as {{ dbt.type_string() }}) as field,
    old_value,
    new_value,
    created_by_id as changed_by_source_id
from changes
where changed_at is not null and opportunity_id is not null
