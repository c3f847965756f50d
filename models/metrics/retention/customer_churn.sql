-- Customer churn: which share of the customers at the start of the period are no customers at its end?
-- Grain: variant, grain, period_start, dimension, dimension_value. A customer on a pause that has an end stays a customer;
-- one that left and came back inside the period is not lost.
-- Left out: customers won inside the period. All time has no start: null.

{% call kpi_mart(
    inputs=['subscription_periods'],
    variants={
        'default': 'ratio', 'revenue_gross': 'ratio', 'revenue_net': 'ratio', 'voluntary': 'ratio', 'involuntary': 'ratio',
        'eligible_only': 'ratio',
    }
) -%}

with

sliced as (
    {{ slice_by(ref('customer_endpoints'), ['segment', 'region'], [
        'grain', 'period_start', 'start_amount', 'end_amount', 'is_customer_at_end', 'churn_reason',
        'has_contract_due',
    ]) }}
),

spine as (
    {{ period_spine('sliced') }}
),

measured as (
    select
        spine.grain,
        spine.period_start,
        spine.period_end,
        spine.dimension,
        spine.dimension_value,
        count(sliced.start_amount) as customers,
        count(case when not sliced.is_customer_at_end then 1 end) as lost,
        count(case
            when not sliced.is_customer_at_end and sliced.churn_reason = 'cancellation_voluntary' then 1
        end) as lost_voluntarily,
        count(case
            when not sliced.is_customer_at_end and sliced.churn_reason = 'cancellation_involuntary' then 1
        end) as lost_involuntarily,
        count(case when sliced.has_contract_due then 1 end) as eligible,
        count(case when sliced.has_contract_due and not sliced.is_customer_at_end then 1 end) as eligible_lost,
        {{ money('coalesce(sum(sliced.start_amount), 0)') }} as start_amount,
        {{ money('coalesce(sum(sliced.start_amount - sliced.end_amount), 0)') }} as net_loss,
        {{ money('coalesce(sum(sliced.start_amount - least(sliced.start_amount, sliced.end_amount)), 0)') }} as gross_loss
    from spine
    left join sliced
        on
            spine.grain = sliced.grain
            and spine.period_start = sliced.period_start
            and spine.dimension = sliced.dimension
            and spine.dimension_value = sliced.dimension_value
    group by spine.grain, spine.period_start, spine.period_end, spine.dimension, spine.dimension_value
)

{{ kpi_rows('measured', 'default', 'lost', 'customers', interval='wilson') }}
union all
{{ kpi_rows('measured', 'revenue_gross', 'gross_loss', 'start_amount', n='customers') }}
union all
{{ kpi_rows('measured', 'revenue_net', 'net_loss', 'start_amount', n='customers') }}
union all
{{ kpi_rows('measured', 'voluntary', 'lost_voluntarily', 'customers', interval='wilson') }}
union all
{{ kpi_rows('measured', 'involuntary', 'lost_involuntarily', 'customers', interval='wilson') }}
union all
{%- if 'contracts' in var('missing_entities') %}
{{ kpi_rows(
    'measured', 'eligible_only', value='cast(null as double)', n='0', null_reason="'missing_input:contracts'",
    only="grain = 'all_time' and dimension = 'all'"
) }}
{%- else %}
{{ kpi_rows('measured', 'eligible_only', 'eligible_lost', 'eligible', interval='wilson') }}
{%- endif %}

{%- endcall %}
