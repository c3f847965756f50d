-- Score records: how good are the chances of deals and customers?
-- Grain: model, method. On the latest 30 % of past days, learned from what was decided before them.
-- Left out: nothing.

select
    model,
    method,
    is_shown,
    cases,
    positives,
    log_loss,
    brier,
    calibration_error,
    area_under_curve,
    lift_of_top_tenth,
    needs
from {{ source('insight', 'score_records') }}
