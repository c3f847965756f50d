-- Revenue forecast: what should be won in this fiscal quarter and the next?
-- Grain: as_of, period_start, unit. Expected = won so far + what the open pipeline should bring +
-- what is not yet created. Made by the model where its record on past quarters beats the naive forecast, else naively: won so far,
-- and what the quarter before brought in as many days.
-- Left out: quarters further ahead; teams that never owned a deal.

select
    as_of,
    period_start,
    period_end,
    unit,
    low,
    expected,
    high,
    won_so_far,
    from_pipeline,
    not_yet_created,
    method,
    quarters_tested,
    wape,
    naive_wape,
    null_reason,
    needs
from {{ source('insight', 'revenue_forecast') }}
