{#- Text to a type; null where the text is no such value. -#}
{% macro try_cast(column, type) -%}
    {{ return(adapter.dispatch('try_cast')(column, type)) }}
{%- endmacro %}

{% macro default__try_cast(column, type) -%}
    try_cast({{ column }} as {{ type }})
{%- endmacro %}

{#- The function is created in the database by orchestration/engines/postgres.py. -#}
{% macro postgres__try_cast(column, type) -%}
    cast(public.try_cast_text({{ column }}, '{{ type }}') as {{ type }})
{%- endmacro %}
