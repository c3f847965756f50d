{#- Money as published: decimal(38, 6). Widen before the first product. -#}
{% macro money(expression) -%}
    cast({{ expression }} as decimal(38, 6))
{%- endmacro %}
