{#- The latest version of every record of a vendor's table, from every configured source of that kind, as a relation to read
    from: the columns declared beside the models, `custom`, `source_system`, and `is_gone`, which says that the source no longer
    has the record. Without such a source it is the declared table itself, which unit tests put rows into. -#}
{% macro vendor_records(kind, table, key='id') -%}
    {%- set declared = source(kind, table) -%}
    {%- set names = var('vendor_sources', {}).get(kind, []) -%}
    {%- if not execute or not names -%}
        {{ declared }}
    {%- else -%}
        {%- set node = graph.sources['source.' ~ project_name ~ '.' ~ kind ~ '.' ~ table] -%}
        {%- set columns = node.columns.values() | selectattr('name', 'ne', 'source_system') | selectattr('name', 'ne', 'is_gone') | list -%}
(
        {%- for name in names %}
    select
        cast('{{ name }}' as {{ dbt.type_string() }}) as source_system,
        {%- for column in columns %}
        cast({{ adapter.quote(column.name) }} as {{ column.data_type }}) as {{ adapter.quote(column.name) }},
        {%- endfor %}
        _is_deleted as is_gone
    from {{ latest_versions(name, table, key) }} as {{ adapter.quote(name) }}
    {{ 'union all' if not loop.last }}
        {%- endfor %}
)
    {%- endif -%}
{%- endmacro %}

{#- The latest version of every record of a raw table, from finished loads that were known at the time asked for. -#}
{% macro latest_versions(source_name, table, key) -%}
(
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ adapter.quote(key) }}
                order by _version_at desc, _dlt_load_id desc, _row desc, _content_hash asc
            ) as version_rank
        from {{ raw_table(source_name, table) }}
        where _dlt_load_id in (select load_id from {{ raw_table(source_name, '_dlt_loads') }} where status = 0)
        {%- if var('known_at') %}
            and _extracted_at <= cast('{{ var("known_at") }}' as timestamp)
        {%- endif %}
    ) as versions
    where version_rank = 1
)
{%- endmacro %}
