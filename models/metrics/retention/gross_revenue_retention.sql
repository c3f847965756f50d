-- Gross revenue retention: which share of the revenue at the start is still there at the end, expansion left out?
-- Grain: variant, grain, period_start, dimension, dimension_value. Customer endpoints: the same customers at both ends.
-- Left out: customers won inside the period. All time has no start: null.

{% call kpi_mart(inputs=['subscription_periods'], variants={'default': 'ratio'}) -%}

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
)

{{ kpi_rows('measured', 'default', 'retained_amount', 'start_amount', n='customers') }}

{%- endcall %}
