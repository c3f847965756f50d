-- Do the rows and the money that lie at each source arrive, and is nothing counted twice?
-- Grain: run_id, source_system, entity. At the source = rows read that are usable and not duplicates; landed = records in raw
-- that are not gone from the source; unified = the same in the entry entities, for sources mapped in revops.yml alone. Tables that
-- models map stand under their own names, without unified.

{% set mapped = var('mapped_sources') -%}
{% set vendors = var('vendor_sources', {}) -%}
{#- which of them are read is known only when the run starts -#}
{% for entity in [
    'accounts', 'people', 'funnel_events', 'users', 'opportunities', 'opportunity_changes', 'opportunity_people',
    'campaigns', 'spend', 'touches', 'subscription_periods', 'contracts', 'invoices', 'forecasts', 'tickets', 'surveys',
    'product_usage', 'tasks', 'tool_usage',
] -%}
{% do ref('entry_' ~ entity) -%}
{% endfor -%}

with

this_run as (
    select max(run_id) as run_id
    from {{ source('run', 'runs') }}
    where status = 'running'
),

counted as (
    {%- set pairs = [] %}
    {%- for entity, sources in mapped.items() %}
    {%- for source_name in sources %}
    {%- do pairs.append((entity, source_name)) %}
    {%- endfor %}
    {%- endfor %}
    {%- for entity, source_name in pairs %}
    {%- set entry = ref('entry_' ~ entity) %}
    {%- set money_columns = [] %}
    {%- if execute %}
    {%- for column in graph.nodes['model.revops.entry_' ~ entity].columns.values() if column.data_type.startswith('decimal') %}
    {%- do money_columns.append(column.name) %}
    {%- endfor %}
    {%- endif %}
    select
        '{{ source_name }}' as source_system,
        '{{ entity }}' as entity,
        count(*) as landed_rows,
        count(entry.source_id) as unified_rows,
        {%- if money_columns %}
        {%- for column in money_columns %}
        {{ money('coalesce(sum(landed.' ~ column ~ '), 0)') }}{{ ' +' if not loop.last }}
        {%- endfor %} as landed_money,
        {%- for column in money_columns %}
        {{ money('coalesce(sum(entry.' ~ column ~ '), 0)') }}{{ ' +' if not loop.last }}
        {%- endfor %} as unified_money,
        (
            select
                {%- for column in money_columns %}
                {{ money('coalesce(' ~ try_cast(json_text('max(reads.money_at_source)', column), 'decimal(38, 6)') ~ ', 0)') }}
                + {{ money('coalesce(' ~ try_cast(json_text('max(reads.money_kept)', column), 'decimal(38, 6)') ~ ', 0)') }}
                {{- ' +' if not loop.last }}
                {%- endfor %}
            from {{ source('run', 'reads') }} as reads
            where reads.source_system = '{{ source_name }}' and reads.entity = '{{ entity }}'
        ) as money_at_source
        {%- else %}
        cast(null as decimal(38, 6)) as landed_money,
        cast(null as decimal(38, 6)) as unified_money,
        cast(null as decimal(38, 6)) as money_at_source
        {%- endif %}
    from (
        select *
        from {{ latest_versions(source_name, entity, 'source_id') }} as versions
        where not _is_deleted
    ) as landed
    left join {{ entry }} as entry
        on
            entry.source_system = '{{ source_name }}'
            and landed.source_id = entry.source_id
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as source_system,
        cast(null as {{ dbt.type_string() }}) as entity,
        0 as landed_rows,
        0 as unified_rows,
        cast(null as decimal(38, 6)) as landed_money,
        cast(null as decimal(38, 6)) as unified_money,
        cast(null as decimal(38, 6)) as money_at_source
    where 1 = 0
    {%- endfor %}
    {%- if execute %}
    {%- for kind, sources in vendors.items() %}
    {%- for table in graph.sources.values() if table.source_name == kind %}
    {%- for source_name in sources %}
    {%- set money_columns = table.columns.values() | selectattr('data_type', 'equalto', 'decimal(18, 4)') | map(attribute='name') | list %}
    union all
    select
        '{{ source_name }}' as source_system,
        '{{ table.name }}' as entity,
        count(*) as landed_rows,
        cast(null as bigint) as unified_rows,
        {%- for column in money_columns %}
        {{ money('coalesce(sum(' ~ column ~ '), 0)') }} {{- ' +' if not loop.last }}
        {%- else %}
        cast(null as decimal(38, 6))
        {%- endfor %} as landed_money,
        cast(null as decimal(38, 6)) as unified_money,
        {%- if money_columns %}
        (
            select
                {%- for column in money_columns %}
                {{ money('coalesce(' ~ try_cast(json_text('max(reads.money_at_source)', column), 'decimal(38, 6)') ~ ', 0)') }}
                + {{ money('coalesce(' ~ try_cast(json_text('max(reads.money_kept)', column), 'decimal(38, 6)') ~ ', 0)') }}
                {{- ' +' if not loop.last }}
                {%- endfor %}
            from {{ source('run', 'reads') }} as reads
            where reads.source_system = '{{ source_name }}' and reads.entity = '{{ table.name }}'
        )
        {%- else %}
        cast(null as decimal(38, 6))
        {%- endif %} as money_at_source
    from {{ latest_versions(source_name, table.name, 'id') }} as versions
    where not _is_deleted
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
    {%- endif %}
),

compared as (
    select
        counted.source_system,
        counted.entity,
        reads.rows_at_source,
        reads.rows_rejected,
        reads.rows_duplicate,
        counted.landed_rows,
        counted.unified_rows,
        counted.money_at_source,
        counted.landed_money,
        counted.unified_money,
        -- a rejected row whose record was there before leaves the version before it in place
        reads.rows_at_source - reads.rows_rejected - reads.rows_duplicate + coalesce(reads.rows_kept, 0) as usable_rows
    from counted
    left join {{ source('run', 'reads') }} as reads
        on
            counted.source_system = reads.source_system
            and counted.entity = reads.entity
)

select
    this_run.run_id,
    compared.source_system,
    compared.entity,
    cast(compared.rows_at_source as bigint) as rows_at_source,
    cast(compared.rows_rejected as bigint) as rows_rejected,
    cast(compared.rows_duplicate as bigint) as rows_duplicate,
    cast(compared.landed_rows as bigint) as landed_rows,
    cast(compared.unified_rows as bigint) as unified_rows,
    {{ money('compared.money_at_source') }} as money_at_source,
    {{ money('compared.landed_money') }} as landed_money,
    {{ money('compared.unified_money') }} as unified_money,
    case
        when compared.usable_rows is null then 'unknown'
        when
            compared.usable_rows <> compared.landed_rows
            or compared.landed_rows <> compared.unified_rows
            or coalesce(compared.money_at_source, 0) <> coalesce(compared.landed_money, 0)
            or coalesce(compared.landed_money, 0) <> coalesce(compared.unified_money, compared.landed_money, 0)
            then 'mismatch'
        else 'match'
    end as status
from compared
cross join this_run
