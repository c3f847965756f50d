-- Terms that fall due, with their amount in the reporting currency.
-- Grain: contract_id. The rate is that of the due day (plan rate of the fiscal year, else spot), so that a renewal is
-- compared with its base at one rate.
-- Left out: deleted contracts and contracts signed after the as-of day.

with

contracts as (
    select
        *,
        upper(coalesce(trim(currency_code), '{{ var("reporting_currency") }}')) as currency
    from {{ ref('entry_contracts') }}
    where
        not is_deleted
        and (signed_at is null or {{ reporting_date('signed_at') }} <= {{ as_of_date() }})
)

select
    {{ surrogate_key(['contracts.source_system', 'contracts.source_id']) }} as contract_id,
    contracts.source_system,
    contracts.source_id,
    coalesce(
        account_members.account_id, {{ surrogate_key(['contracts.source_system', 'contracts.account_source_id']) }}
    ) as account_id,
    contracts.subscription_id,
    contracts.signed_at,
    {{ reporting_date('contracts.signed_at') }} as signed_on,
    contracts.term_starts_on,
    contracts.term_ends_on,
    {{ money('contracts.annual_recurring_amount') }} as annual_recurring_amount_original,
    contracts.currency as currency_code,
    {{ money(money('contracts.annual_recurring_amount') ~ ' * currency_rates.rate') }} as annual_recurring_amount,
    contracts.auto_renews,
    case
        when contracts.renews_source_id is not null
            then {{ surrogate_key(['contracts.source_system', 'contracts.renews_source_id']) }}
    end as renews_contract_id,
    contracts.status,
    accounts.segment,
    accounts.region
from contracts
left join {{ source('identity', 'account_members') }} as account_members
    on
        contracts.source_system = account_members.source_system
        and contracts.account_source_id = account_members.source_id
left join {{ ref('accounts') }} as accounts
    on account_members.account_id = accounts.account_id
left join {{ ref('currency_rates') }} as currency_rates
    on
        currency_rates.kind = 'recurring'
        and contracts.currency = currency_rates.currency_code
        and least(coalesce(contracts.term_ends_on, contracts.term_starts_on), {{ as_of_date() }}) >= currency_rates.valid_from
        and least(coalesce(contracts.term_ends_on, contracts.term_starts_on), {{ as_of_date() }}) < currency_rates.valid_to
