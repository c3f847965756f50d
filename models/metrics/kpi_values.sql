-- Every KPI, every period, every slice: the one table a dashboard needs.
-- Grain: kpi, variant, grain, period_start, period_end, dimension, dimension_value.
-- Left out: nothing; each row comes from the mart named after the KPI.

{% set marts = [
    ref('annual_recurring_revenue'),
    ref('average_deal_size'),
    ref('cac_payback'),
    ref('customer_acquisition_cost'),
    ref('customer_churn'),
    ref('customer_lifetime_value'),
    ref('first_reply_time'),
    ref('forecast_accuracy'),
    ref('funnel_conversion'),
    ref('gross_revenue_retention'),
    ref('lead_response_time'),
    ref('ltv_to_cac'),
    ref('magic_number'),
    ref('marketing_return'),
    ref('monthly_recurring_revenue'),
    ref('net_revenue_retention'),
    ref('pipeline_coverage'),
    ref('pipeline_created'),
    ref('pipeline_velocity'),
    ref('quota_attainment'),
    ref('renewals'),
    ref('sales_cycle_length'),
    ref('satisfaction'),
    ref('silo_index'),
    ref('slip_rate'),
    ref('time_in_stage'),
    ref('time_to_first_value'),
    ref('upsells'),
    ref('win_rate'),
] -%}

with

marts as (
    {%- for mart in marts %}
    select
        cast('{{ mart.identifier }}' as {{ dbt.type_string() }}) as kpi,
        marts_{{ loop.index }}.*
    from {{ mart }} as marts_{{ loop.index }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    marts.kpi,
    marts.variant,
    marts.grain,
    marts.period_start,
    marts.period_end,
    marts.dimension,
    marts.dimension_value,
    marts.value,
    marts.numerator,
    marts.denominator,
    marts.n,
    marts.value_low,
    marts.value_high,
    marts.unit,
    marts.currency_code,
    marts.null_reason,
    {{ as_of_date() }} as as_of,
    catalog.definition_version
from marts
left join {{ ref('kpi_catalog') }} as catalog
    on
        marts.kpi = catalog.kpi
        and marts.variant = catalog.variant
