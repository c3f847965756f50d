{#- A date moved by a whole number of days or months, as a date. `number` may be an expression. -#}
{% macro date_add(part, number, date) -%}
    {{ return(adapter.dispatch('date_add')(part, number, date)) }}
{%- endmacro %}

{% macro default__date_add(part, number, date) -%}
    cast({{ date }} + ({{ number }}) * interval '1 {{ part }}' as date)
{%- endmacro %}

{% macro spark__date_add(part, number, date) -%}
    {{ 'add_months' if part == 'month' else 'date_add' }}({{ date }}, cast({{ number }} as int))
{%- endmacro %}
