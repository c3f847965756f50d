{#- Distinct values of a text column as an array in their own order; nulls are left out. -#}
{% macro ordered_array(column) -%}
    {{ return(adapter.dispatch('ordered_array')(column)) }}
{%- endmacro %}

{% macro duckdb__ordered_array(column) -%}
    list(distinct {{ column }} order by {{ column }}) filter ({{ column }} is not null)
{%- endmacro %}

{% macro spark__ordered_array(column) -%}
    array_sort(collect_set({{ column }}))
{%- endmacro %}

{% macro postgres__ordered_array(column) -%}
    array_agg(distinct {{ column }} order by {{ column }}) filter (where {{ column }} is not null)
{%- endmacro %}

{#- A literal array of texts. -#}
{% macro text_array(values) -%}
    {{ return(adapter.dispatch('text_array')(values)) }}
{%- endmacro %}

{% macro duckdb__text_array(values) -%}
    cast([{% for value in values %}'{{ value }}'{% if not loop.last %}, {% endif %}{% endfor %}] as varchar[])
{%- endmacro %}

{% macro default__text_array(values) -%}
    array({% for value in values %}'{{ value }}'{% if not loop.last %}, {% endif %}{% endfor %})
{%- endmacro %}

{% macro postgres__text_array(values) -%}
    cast(array[{% for value in values %}'{{ value }}'{% if not loop.last %}, {% endif %}{% endfor %}] as text[])
{%- endmacro %}
