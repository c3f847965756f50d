{#- Money as published: decimal(38, 6). Widen before the first product. -#}
{% macro money(expression) -%}
    {{ return(adapter.dispatch('money')(expression)) }}
{%- endmacro %}

{% macro default__money(expression) -%}
    cast({{ expression }} as decimal(38, 6))
{%- endmacro %}

{#- By way of text: PostgreSQL takes only fifteen digits of a double. -#}
{% macro postgres__money(expression) -%}
    cast(cast({{ expression }} as text) as decimal(38, 6))
{%- endmacro %}
