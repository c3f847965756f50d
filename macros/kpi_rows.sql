{#- Rows of one variant in the shape all KPI marts share. `value` is numerator / denominator unless given. Units: ratio,
    currency, currency_per_day, days, count. `interval` 'wilson' adds the 95 % interval of a share of counts, `low` and `high` any other. -#}
{% macro kpi_rows(
    relation, variant='default', numerator=none, denominator=none, value=none, n=none, unit='ratio', interval=none,
    null_reason=none, only=none, low='null', high='null'
) -%}
    select
        cast('{{ variant }}' as {{ dbt.type_string() }}) as variant,
        grain,
        period_start,
        period_end,
        dimension,
        dimension_value,
        {%- if value is none %}
        {{ safe_divide(numerator, denominator) }} as value,
        {%- else %}
        cast({{ value }} as double) as value,
        {%- endif %}
        {{ money(numerator or 'null') }} as numerator,
        {{ money(denominator or 'null') }} as denominator,
        cast({{ n or denominator }} as bigint) as n,
        {%- if interval == 'wilson' %}
        {{ wilson(numerator, denominator, '-') }} as value_low,
        {{ wilson(numerator, denominator, '+') }} as value_high,
        {%- else %}
        cast({{ low }} as double) as value_low,
        cast({{ high }} as double) as value_high,
        {%- endif %}
        cast('{{ unit }}' as {{ dbt.type_string() }}) as unit,
        cast({{ "'" ~ var('reporting_currency') ~ "'" if unit.startswith('currency') else 'null' }} as {{ dbt.type_string() }}) as currency_code,
        {%- if null_reason is none %}
        case
            when {{ 'coalesce(cast(' ~ denominator ~ ' as double), 0) = 0' if value is none else 'cast((' ~ value ~ ') as double) is null' }}
                then 'no_denominator'
        end as null_reason
        {%- else %}
        cast({{ null_reason }} as {{ dbt.type_string() }}) as null_reason
        {%- endif %}
    from {{ relation }}
    {%- if only is not none %}
    where {{ only }}
    {%- endif %}
{%- endmacro %}

{#- Bound of the Wilson 95 % score interval of a share; null without a denominator. -#}
{% macro wilson(successes, trials, side) -%}
    case
        when {{ trials }} > 0
            then (
                {{ safe_divide(successes, trials) }} + 1.920729410347062 / {{ trials }}
                {{ side }} 1.959963984540054 * sqrt(
                    greatest(
                        {{ safe_divide(successes, trials) }} * (1 - {{ safe_divide(successes, trials) }}) / {{ trials }}, 0
                    ) + 0.960364705173531 / (cast({{ trials }} as double) * {{ trials }})
                )
            ) / (1 + 3.841458820694124 / {{ trials }})
    end
{%- endmacro %}
