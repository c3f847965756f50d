-- Renewal risk: which contracts that fall due within 180 days will not be renewed, and why?
-- Grain: contract_id, as_of. Chance to have no successor 90 days after the due day, by a logistic model of what is known on the
-- day, if it beats the base rate on later days than it learned from.
-- Left out: contracts renewed already, month-to-month contracts, contracts without recurring amount.

select
    contract_id,
    as_of,
    account_id,
    due_on,
    risk,
    baseline_risk,
    status,
    {{ money('amount_at_risk') }} as amount_at_risk,
    {{ money('recurring_amount') }} as recurring_amount,
    model_version,
    reasons,
    null_reason,
    needs
from {{ source('insight', 'renewal_risk') }}
