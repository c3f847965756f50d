-- Account health: which customers will stay, and why?
-- Grain: account_id, as_of. Chance to be a customer 180 days later, by a logistic model of what
-- is known on the day, if it beats the base rate on later days than it learned from.
-- Left out: accounts without recurring revenue on the day.

select
    account_id,
    as_of,
    health,
    baseline_health,
    status,
    {{ money('amount_at_risk') }} as amount_at_risk,
    {{ money('recurring_amount') }} as recurring_amount,
    next_renewal_on,
    model_version,
    reasons,
    null_reason,
    needs
from {{ source('insight', 'account_health') }}
