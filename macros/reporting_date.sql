{#- The calendar day of a UTC timestamp in the reporting time zone. -#}
{% macro reporting_date(column) -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ column }} as date)
    {%- else -%}
        {{ return(adapter.dispatch('local_date')(column, var('reporting_timezone'))) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__local_date(column, zone) -%}
    cast(timezone('{{ zone }}', timezone('UTC', {{ column }})) as date)
{%- endmacro %}

{% macro spark__local_date(column, zone) -%}
    cast(from_utc_timestamp({{ column }}, '{{ zone }}') as date)
{%- endmacro %}
