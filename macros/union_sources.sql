{#- Rows of one entity from every source that has it: systems with a folder in models/sources/, then sources mapped in
    revops.yml. No source, no rows, same columns. -#}
{% macro union_sources(entity) -%}
    {%- set branches = [] -%}
    {%- for system in var('sources_by_entity').get(entity, []) -%}
        {%- do branches.append(modelled_records(ref(system ~ '__' ~ entity), model.columns)) -%}
    {%- endfor -%}
    {%- for source_name in var('mapped_sources').get(entity, []) -%}
        {%- do branches.append(mapped_records(source_name, entity, model.columns)) -%}
    {%- endfor -%}
    {%- if branches -%}
        {{ branches | join('\nunion all\n') }}
    {%- else -%}
        {{ no_records(model.columns) }}
    {%- endif -%}
{%- endmacro %}

{#- Columns by name, so that a model that lacks one fails instead of filling it with null. -#}
{% macro modelled_records(relation, columns) -%}
select
    {%- for name in columns %}
    {{ adapter.quote(name) }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ relation }}
{%- endmacro %}

{% macro no_records(columns) -%}
select
    {%- for column in columns.values() %}
    cast(null as {{ column.data_type }}) as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
    {%- else %}
    1 as nothing
    {%- endfor %}
where 1 = 0
{%- endmacro %}

{#- The latest version of every record in raw_<source>.<entity>, from finished loads that were known at the time asked for. -#}
{% macro mapped_records(source_name, entity, columns) -%}
select
    {%- for column in columns.values() %}
    {%- if column.name == 'source_system' %}
    cast('{{ source_name }}' as {{ column.data_type }}) as source_system
    {%- elif column.name == 'is_deleted' %}
    coalesce(is_deleted, false) or _is_deleted as is_deleted
    {%- elif 'default' in column.config.get('meta', {}) %}
    coalesce(cast({{ adapter.quote(column.name) }} as {{ column.data_type }}), {{ "'" ~ column.config.meta.default ~ "'" if column.config.meta.type == 'text' else column.config.meta.default }}) as {{ adapter.quote(column.name) }}
    {%- else %}
    cast({{ adapter.quote(column.name) }} as {{ column.data_type }}) as {{ adapter.quote(column.name) }}
    {%- endif %}{{ ',' if not loop.last }}
    {%- else %}
    1 as nothing
    {%- endfor %}
from (
    select
        *,
        row_number() over (
            partition by source_id
            order by _version_at desc, _dlt_load_id desc, _row desc, _content_hash asc
        ) as version_rank
    from {{ raw_table(source_name, entity) }}
    where _dlt_load_id in (select load_id from {{ raw_table(source_name, '_dlt_loads') }} where status = 0)
    {%- if var('known_at') %}
        and _extracted_at <= cast('{{ var("known_at") }}' as timestamp)
    {%- endif %}
) as versions
where version_rank = 1
{%- endmacro %}

{#- Where raw lies: an attached file on DuckDB, a namespace of the catalog elsewhere. -#}
{% macro raw_table(source_name, table) -%}
    {{ return(adapter.dispatch('raw_table')(source_name, table)) }}
{%- endmacro %}

{% macro duckdb__raw_table(source_name, table) -%}
    landing."raw_{{ source_name }}"."{{ table }}"
{%- endmacro %}

{% macro default__raw_table(source_name, table) -%}
    raw_{{ source_name }}.{{ table }}
{%- endmacro %}
