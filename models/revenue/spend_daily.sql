-- What sales and marketing cost on each day.
-- Grain: spend_id, day. An amount that covers a period is spread evenly by day; the parts add up to it to the last digit.
-- Amounts in the reporting currency at the spot rate of the day.
-- Left out: days after the as-of day, deleted rows.

with

channels as (
    select
        lower(trim(source_system)) as source_system,
        lower(trim(channel)) as channel,
        lower(trim(shared_channel)) as shared_channel
    from {{ ref('channel_mapping') }}
),

spend as (
    select
        *,
        coalesce(spent_until, spent_on) as last_day,
        {{ days_between('spent_on', 'coalesce(spent_until, spent_on)') }} + 1 as day_count,
        upper(coalesce(trim(currency_code), '{{ var("reporting_currency") }}')) as currency
    from {{ ref('entry_spend') }}
    where not is_deleted and spent_on <= coalesce(spent_until, spent_on)
),

days as (
    select
        *,
        {{ day_series('spent_on', 'least(last_day, ' ~ as_of_date() ~ ')') }} as day
    from spend
    where spent_on <= {{ as_of_date() }}
),

parts as (
    select
        *,
        -- the share up to and including the day less the share before it
        {{ decimal_divide(money('amount') ~ ' * (' ~ days_between('spent_on', 'day') ~ ' + 1)', 'day_count') }}
        - {{ decimal_divide(money('amount') ~ ' * ' ~ days_between('spent_on', 'day'), 'day_count') }} as amount_original
    from days
)

select
    {{ surrogate_key(['parts.source_system', 'parts.source_id']) }} as spend_id,
    parts.day,
    parts.source_system,
    parts.source_id,
    parts.department,
    parts.category,
    coalesce(own_channel.shared_channel, any_channel.shared_channel, lower(trim(parts.channel))) as channel,
    case
        when parts.campaign_source_id is not null
            then {{ surrogate_key(['parts.source_system', 'parts.campaign_source_id']) }}
    end as campaign_id,
    {{ money('parts.amount_original * currency_rates.rate') }} as amount,
    {{ money('parts.amount_original') }} as amount_original,
    parts.currency as currency_code
from parts
left join {{ ref('currency_rates') }} as currency_rates
    on
        currency_rates.kind = 'spot'
        and parts.currency = currency_rates.currency_code
        and parts.day >= currency_rates.valid_from
        and parts.day < currency_rates.valid_to
left join channels as own_channel
    on
        parts.source_system = own_channel.source_system
        and lower(trim(parts.channel)) = own_channel.channel
left join channels as any_channel
    on
        coalesce(any_channel.source_system, '') = ''
        and lower(trim(parts.channel)) = any_channel.channel
