{#- Rows of one entity from every source that has it: vendors with a folder in models/sources/, then sources mapped in
    revops.yml. No source, no rows, same columns. -#}
{% macro union_sources(entity) -%}
    {%- set branches = [] -%}
    {%- set configured = var('vendor_sources', none) -%}
    {%- for kind in var('sources_by_entity').get(entity, []) if configured is none or kind in configured -%}
        {%- do branches.append(modelled_records(ref(kind ~ '__' ~ entity), model.columns, entity)) -%}
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

{#- Columns by name, so that a model that lacks one fails instead of filling it with null. Fields of the company's own, named in
    revops.yml, come first. -#}
{% macro modelled_records(relation, columns, entity) -%}
select
    {%- for column in columns.values() %}
    {{ own_field(column, entity) }} as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
    {%- else %}
    1 as nothing
    {%- endfor %}
from {{ relation }}
{%- endmacro %}

{#- A column of a vendor's model, or what the sources' own fields say where revops.yml names one for it. -#}
{% macro own_field(column, entity) -%}
    {%- set quoted = adapter.quote(column.name) -%}
    {%- set meta = column.config.get('meta', {}) -%}
    {%- set found = [] -%}
    {%- for source_name, entities in var('vendor_fields', {}).items() -%}
        {%- set field = entities.get(entity, {}).get(column.name) -%}
        {%- if field -%}
            {%- set text = json_text('custom', field) -%}
            {%- if meta.get('one_of') -%}
                {%- set cases = [] -%}
                {%- for word in meta.one_of -%}{%- do cases.append("when '" ~ word ~ "' then '" ~ word ~ "'") -%}{%- endfor -%}
                {%- set text = 'case lower(' ~ text ~ ') ' ~ cases | join(' ') ~ ' end' -%}
            {%- endif -%}
            {%- do found.append("case when source_system = '" ~ source_name ~ "' then " ~ try_cast(text, column.data_type) ~ " end") -%}
        {%- endif -%}
    {%- endfor -%}
    {{- 'coalesce(' ~ (found + [quoted]) | join(', ') ~ ')' if found else quoted -}}
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
from {{ latest_versions(source_name, entity, 'source_id') }} as versions
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
