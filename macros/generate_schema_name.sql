{#- Schemas carry their plain names: entry, revenue, metrics, operations, rules. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
