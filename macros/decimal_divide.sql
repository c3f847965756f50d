{#- decimal(38, 6) divided by a nonzero integer, half up, exact on every engine (a plain division of decimals is a double on DuckDB). -#}
{% macro decimal_divide(amount, whole_number) -%}
    {{ return(adapter.dispatch('decimal_divide')(amount, whole_number)) }}
{%- endmacro %}

{% macro duckdb__decimal_divide(amount, whole_number) -%}
    cast(
        (
            (2 * cast(abs({{ amount }}) * 1000000 as hugeint) + abs({{ whole_number }}))
            // (2 * cast(abs({{ whole_number }}) as hugeint))
        ) * sign({{ amount }}) * sign({{ whole_number }}) as decimal(38, 0)
    ) * cast(0.000001 as decimal(7, 6))
{%- endmacro %}

{% macro default__decimal_divide(amount, whole_number) -%}
    cast(cast({{ amount }} as decimal(38, 6)) / {{ whole_number }} as decimal(38, 6))
{%- endmacro %}
