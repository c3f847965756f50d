-- Every forecast call as it was submitted.
-- Grain: forecast_id. Amounts in the reporting currency at the spot rate of the day the call was submitted.
-- Left out: calls submitted after the as-of day, deleted calls.

with

calls as (
    select
        *,
        {{ reporting_date('submitted_at') }} as submitted_on,
        upper(coalesce(trim(currency_code), '{{ var("reporting_currency") }}')) as currency
    from {{ ref('entry_forecasts') }}
    where
        not is_deleted
        and {{ reporting_date('submitted_at') }} <= {{ as_of_date() }}
)

select
    {{ surrogate_key(['calls.source_system', 'calls.source_id']) }} as forecast_id,
    calls.source_system,
    calls.source_id,
    calls.submitted_at,
    calls.submitted_on,
    calls.submitted_by_source_id,
    coalesce(nullif(trim(calls.unit), ''), 'company') as unit,
    calls.period_start,
    calls.period_end,
    coalesce(calls.category, 'commit') as category,
    {{ money(money('calls.amount') ~ ' * currency_rates.rate') }} as amount
from calls
left join {{ ref('currency_rates') }} as currency_rates
    on
        currency_rates.kind = 'spot'
        and calls.currency = currency_rates.currency_code
        and calls.submitted_on >= currency_rates.valid_from
        and calls.submitted_on < currency_rates.valid_to
