-- Forecast back-test: what would have been forecast in past quarters, and what came?
-- Grain: period_start, unit, horizon_days, method. Each forecast is made from the states of the deals on
-- its day alone, and learns only from months that had ended by then. Actual = won amount as known five days after the quarter.
-- Left out: quarters with too little history before them; calls of people where none was submitted.

select
    period_start,
    period_end,
    unit,
    horizon_days,
    method,
    as_of,
    low,
    forecast,
    high,
    won_so_far,
    actual
from {{ source('insight', 'forecast_backtest') }}
