-- Score records: how good are the chances of deals, customers, contracts and leads?
-- Grain: model, method. On past days, each foretold from what was decided before it.
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
    calibration_noise,
    area_under_curve,
    lift_of_top_tenth,
    refused_features,
    needs
from {{ source('insight', 'score_records') }}
