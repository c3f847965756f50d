{#- The body of a KPI mart, or, where an entity it needs comes from no source, one all-time row per variant that says so.
    `variants` maps each variant to its unit; `inputs` are the entry entities the KPI cannot do without. -#}
{% macro kpi_mart(inputs, variants) -%}
    {%- set body = caller() -%}
    {#- named here and not only below: the parser does not know which entities will be missing -#}
    {%- set periods = ref('reporting_periods') -%}
    {%- set missing = inputs | select('in', var('missing_entities')) | list -%}
    {%- if missing -%}
        {%- for variant, unit in variants.items() %}
select
    cast('{{ variant }}' as {{ dbt.type_string() }}) as variant,
    grain,
    period_start,
    period_end,
    cast('all' as {{ dbt.type_string() }}) as dimension,
    cast('all' as {{ dbt.type_string() }}) as dimension_value,
    cast(null as double) as value,
    {{ money('null') }} as numerator,
    {{ money('null') }} as denominator,
    cast(0 as bigint) as n,
    cast(null as double) as value_low,
    cast(null as double) as value_high,
    cast('{{ unit }}' as {{ dbt.type_string() }}) as unit,
    cast({{ "'" ~ var('reporting_currency') ~ "'" if unit.startswith('currency') else 'null' }} as {{ dbt.type_string() }}) as currency_code,
    cast('missing_input:{{ missing[0] }}' as {{ dbt.type_string() }}) as null_reason
from {{ periods }}
where grain = 'all_time'
        {%- if not loop.last %}
union all
        {%- endif %}
        {%- endfor %}
    {%- else -%}
        {{ body }}
    {%- endif -%}
{%- endmacro %}
