-- Outcome curves: which share of deals is won, and lost, and which share of customers stays, by the time since they began?
-- Grain: subject, outcome, dimension, dimension_value, elapsed_days. Deals: Aalen-Johansen, since a lost deal will never be won;
-- customers: Kaplan-Meier by months, and the fitted retention curve for five years. Cases still open are not left out.
-- Left out: slices with fewer than 20 cases.

select
    subject,
    outcome,
    dimension,
    dimension_value,
    elapsed_days,
    cases,
    at_risk,
    share,
    share_low,
    share_high,
    modelled,
    modelled_low,
    modelled_high,
    model,
    differs_p_value
from {{ source('insight', 'outcome_curves') }}
