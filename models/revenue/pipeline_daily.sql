-- The open pipeline as it stood at the end of each day.
-- Grain: opportunity_id, day. Amounts in the reporting currency at the spot rate of the day.
-- Left out: days on which the deal was closed or deleted at the end of the day.

with

states as (
    select
        opportunity_id,
        {{ reporting_date('valid_from') }} as first_day,
        coalesce({{ date_add('day', -1, reporting_date('valid_to')) }}, {{ as_of_date() }}) as last_day,
        stage,
        shared_stage,
        is_qualified,
        amount_original,
        recurring_amount_original,
        currency_code,
        expected_close_on,
        owner_id,
        forecast_category,
        probability
    from {{ ref('opportunity_history') }}
    where not is_closed and not is_deleted
),

days as (
    select
        *,
        {{ day_series('first_day', 'last_day') }} as day
    from states
    where first_day <= last_day
)

select
    days.opportunity_id,
    days.day,
    days.stage,
    days.shared_stage,
    days.is_qualified,
    {{ money('days.amount_original * currency_rates.rate') }} as amount,
    {{ money('days.recurring_amount_original * currency_rates.rate') }} as recurring_amount,
    days.amount_original,
    days.currency_code,
    currency_rates.rate as currency_rate,
    days.expected_close_on,
    days.owner_id,
    days.forecast_category,
    days.probability
from days
left join {{ ref('currency_rates') }} as currency_rates
    on
        currency_rates.kind = 'spot'
        and days.currency_code = currency_rates.currency_code
        and days.day >= currency_rates.valid_from
        and days.day < currency_rates.valid_to
