{#- Texts in the order of a second column, joined by ' > '. -#}
{% macro ordered_path(column, order) -%}
    {{ return(adapter.dispatch('ordered_path')(column, order)) }}
{%- endmacro %}

{% macro default__ordered_path(column, order) -%}
    string_agg({{ column }}, ' > ' order by {{ order }})
{%- endmacro %}

{% macro spark__ordered_path(column, order) -%}
    array_join(transform(array_sort(collect_list(struct({{ order }}, {{ column }}))), step -> step.{{ column }}), ' > ')
{%- endmacro %}
