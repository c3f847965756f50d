{#- Whole seconds from the earlier to the later timestamp. -#}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('seconds_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    ((epoch_us({{ later }}) - epoch_us({{ earlier }})) // 1000000)
{%- endmacro %}

{% macro spark__seconds_between(earlier, later) -%}
    ((unix_micros(cast({{ later }} as timestamp)) - unix_micros(cast({{ earlier }} as timestamp))) div 1000000)
{%- endmacro %}

{% macro postgres__seconds_between(earlier, later) -%}
    cast(floor(extract(epoch from {{ later }} - {{ earlier }})) as bigint)
{%- endmacro %}
