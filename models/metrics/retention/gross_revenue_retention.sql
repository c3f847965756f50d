-- Gross revenue retention: which share of the revenue at the start is still there at the end, expansion left out?
-- Grain: variant, grain, period_start, dimension, dimension_value. Customer endpoints: the same customers at both ends.
-- Left out: customers won inside the period. All time has no start: null.

{% call kpi_mart(inputs=['subscription_periods'], variants={'default': 'ratio', 'monthly_flow': 'ratio'}) -%}

with

sliced as (
    {{ slice_by(ref('customer_endpoints'), ['segment', 'region'], [
        'grain', 'period_start', 'start_amount', 'end_amount',
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
        {{ money('coalesce(sum(sliced.start_amount), 0)') }} as start_amount,
        {{ money('coalesce(sum(least(sliced.start_amount, sliced.end_amount)), 0)') }} as retained_amount
    from spine
    left join sliced
        on
            spine.grain = sliced.grain
            and spine.period_start = sliced.period_start
            and spine.dimension = sliced.dimension
            and spine.dimension_value = sliced.dimension_value
    group by spine.grain, spine.period_start, spine.period_end, spine.dimension, spine.dimension_value
),

-- the operating clock: what the movements of the period did to the revenue at its start
movements as (
    select
        segment,
        region,
        occurred_on,
        amount,
        case when movement in ('contraction', 'churn') then amount else 0 end as retention_change
    from {{ ref('arr_movements') }}
),

sliced_movements as (
    {{ slice_by('movements', ['segment', 'region'], ['occurred_on', 'amount', 'retention_change']) }}
),

moved as (
    {{ sum_by_period('sliced_movements', 'occurred_on', {
        'amount': 'amount',
        'retention_change': 'retention_change',
        'movements': '1',
    }) }}
),

revenue_at_end as (
    {{ stock_by_period('sliced_movements', 'occurred_on', {'amount': 'amount'}) }}
),

flows as (
    select
        moved.*,
        case when moved.grain = 'all_time' then 0 else revenue_at_end.amount - moved.amount end as start_amount,
        case
            when moved.grain = 'all_time' then 0
            else revenue_at_end.amount - moved.amount + moved.retention_change
        end as retained_amount
    from moved
    inner join revenue_at_end
        on
            moved.grain = revenue_at_end.grain
            and moved.period_start = revenue_at_end.period_start
            and moved.dimension = revenue_at_end.dimension
            and moved.dimension_value = revenue_at_end.dimension_value
)

{{ kpi_rows('measured', 'default', 'retained_amount', 'start_amount', n='customers') }}
union all
{{ kpi_rows('flows', 'monthly_flow', 'retained_amount', 'start_amount', n='movements') }}

{%- endcall %}
