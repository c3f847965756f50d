-- Forecast scoreboard: which forecast of past quarters was how good, and how early?
-- Grain: level, horizon_days, method. Sums over the rows of metrics.forecast_backtest.
-- Left out: nothing.

select
    level,
    horizon_days,
    method,
    forecasts,
    quarters,
    actual,
    wape,
    bias,
    naive_wape,
    skill_against_naive,
    coverage,
    pinball
from {{ source('insight', 'forecast_scoreboard') }}
