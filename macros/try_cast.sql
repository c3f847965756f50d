{#- Text to a type; null where the text is no such value. -#}
{% macro try_cast(column, type) -%}
    {{ return(adapter.dispatch('try_cast')(column, type)) }}
{%- endmacro %}

{% macro default__try_cast(column, type) -%}
    try_cast({{ column }} as {{ type }})
{%- endmacro %}
