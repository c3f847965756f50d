-- A waterfall that does not close hides a deal: opening plus every bucket is the closing amount, and the closing amount of one
-- month is the opening amount of the next.
with

sums as (
    select
        period_start,
        period_end,
        sum(case when bucket = 'opening' then amount else 0 end) as opening,
        sum(case when bucket = 'closing' then amount else 0 end) as closing,
        sum(case when bucket not in ('opening', 'closing') then amount else 0 end) as moved
    from {{ ref('pipeline_waterfall') }}
    group by period_start, period_end
)

select
    sums.*,
    following.opening as next_opening
from sums
left join sums as following
    on sums.period_end = following.period_start
where
    sums.opening + sums.moved <> sums.closing
    or sums.closing <> following.opening
