-- Lead scores: which live leads will become deals, and why?
-- Grain: lead_id, as_of. Chance to become a deal within 90 days, by a logistic model of what is known on the day, if it beats the
-- base rate on later days than it learned from.
-- Left out: leads older than 180 days, and leads of people who are in a deal or a customer already.

select
    lead_id,
    as_of,
    conversion_probability,
    baseline_probability,
    model_version,
    reasons,
    null_reason,
    needs
from {{ source('insight', 'lead_scores') }}
