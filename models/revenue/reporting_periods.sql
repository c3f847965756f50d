-- Which periods does every KPI have a row for?
-- Grain: grain, period_start, period_end.
-- Left out: periods before the first business event, and periods that begin after the as-of day.

select
    grain,
    period_start,
    period_end,
    max(last_day) as last_day,
    -- the month whose end-of-month state is the state at the end of the period
    max(month_start) as last_month
from {{ ref('reporting_months') }}
group by grain, period_start, period_end
