{#- The moment the as-of day ends in the reporting time zone, as a UTC timestamp. -#}
{% macro end_of_as_of_day() -%}
    {%- if var('reporting_timezone') == 'UTC' -%}
        cast({{ date_add('day', 1, as_of_date()) }} as timestamp)
    {%- else -%}
        {{ return(adapter.dispatch('utc_moment')('cast(' ~ date_add('day', 1, as_of_date()) ~ ' as timestamp)', var('reporting_timezone'))) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__utc_moment(local_timestamp, zone) -%}
    timezone('UTC', timezone('{{ zone }}', {{ local_timestamp }}))
{%- endmacro %}

{% macro spark__utc_moment(local_timestamp, zone) -%}
    to_utc_timestamp({{ local_timestamp }}, '{{ zone }}')
{%- endmacro %}
