-- A deal without a segment must not drop out of the sum of segments: numerators of every dimension add up to the total.
with

sums as (
    select
        kpi,
        variant,
        grain,
        period_start,
        dimension,
        sum(numerator) as numerator
    from {{ ref('kpi_values') }}
    where
        (kpi = 'win_rate' or kpi = 'average_deal_size' or kpi = 'annual_recurring_revenue' or kpi = 'customer_churn'
            or (kpi = 'upsells' and variant <> 'customer_count') or (kpi = 'renewals' and variant <> 'logo')
            or (kpi = 'sales_cycle_length' and variant = 'mean'))
        and numerator is not null
    group by kpi, variant, grain, period_start, dimension
)

select
    sums.kpi,
    sums.variant,
    sums.grain,
    sums.period_start,
    sums.dimension,
    sums.numerator,
    totals.numerator as total
from sums
inner join sums as totals
    on
        sums.kpi = totals.kpi
        and sums.variant = totals.variant
        and sums.grain = totals.grain
        and sums.period_start = totals.period_start
        and totals.dimension = 'all'
where sums.numerator <> totals.numerator
