{#- The last day that exists for this run. No model reads the clock. -#}
{% macro as_of_date() -%}
    cast('{{ var("as_of") }}' as date)
{%- endmacro %}
