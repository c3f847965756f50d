{#- Rows of dates. day_series unnests from the first to the last day, both inclusive, in a select list; month_series steps by month. -#}
{% macro day_series(first_day, last_day) -%}
    {{ return(adapter.dispatch('date_series')(first_day, last_day, 'day')) }}
{%- endmacro %}

{% macro month_series(first_day, last_day) -%}
    {{ return(adapter.dispatch('date_series')(first_day, last_day, 'month')) }}
{%- endmacro %}

{% macro duckdb__date_series(first_day, last_day, step) -%}
    cast(unnest(generate_series(cast({{ first_day }} as timestamp), cast({{ last_day }} as timestamp), interval 1 {{ step }})) as date)
{%- endmacro %}

{% macro spark__date_series(first_day, last_day, step) -%}
    explode(sequence({{ first_day }}, {{ last_day }}, interval 1 {{ step }}))
{%- endmacro %}

{% macro postgres__date_series(first_day, last_day, step) -%}
    cast(generate_series({{ first_day }}, {{ last_day }}, interval '1 {{ step }}') as date)
{%- endmacro %}
