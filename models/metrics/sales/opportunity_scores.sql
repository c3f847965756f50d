-- Opportunity scores: which open deals will be won, and why?
-- Grain: opportunity_id, as_of. Chance to be won within 180 days, by a logistic
-- model of what is known on the day, if it beats the base rate on later deals than it learned from.
-- Left out: closed and deleted deals.

select
    opportunity_id,
    as_of,
    win_probability,
    baseline_probability,
    source_probability,
    model_version,
    reasons,
    null_reason,
    needs
from {{ source('insight', 'opportunity_scores') }}
