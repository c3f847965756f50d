{#- The id of the same record in another vendor's system, as linked_ids of the entry contract: {source: id}. Empty unless exactly
    one source of that kind is configured, as then nothing says which one is meant. -#}
{% macro linked_ids(kind, id) -%}
    {%- set names = var('vendor_sources', {}).get(kind, []) -%}
    {%- if names | length == 1 -%}
        '{"{{ names[0] }}":"' || {{ id }} || '"}'
    {%- else -%}
        cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}
