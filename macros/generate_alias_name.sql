{#- entry_accounts is the table entry.accounts: model names are unique per project, table names per schema. -#}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%}
        {{ custom_alias_name | trim }}
    {%- elif node.name.startswith('entry_') -%}
        {{ node.name[6:] }}
    {%- else -%}
        {{ node.name }}
    {%- endif -%}
{%- endmacro %}
