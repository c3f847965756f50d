-- Every day of the company's life: the time spine of the semantic layer, and what series by day are joined to.
-- Grain: day. From the first month of the reporting periods to the as-of day.
-- Left out: days after the as-of day.

with

bounds as (
    select min(month_start) as first_day
    from {{ ref('reporting_months') }}
)

select {{ day_series('first_day', as_of_date()) }} as day
from bounds
