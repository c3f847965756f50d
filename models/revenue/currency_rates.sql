-- What is one unit of a currency worth in the reporting currency, on which days?
-- Grain: kind, currency_code, valid_from. A spot rate holds until the next one, a plan rate to the end of its fiscal year;
-- kind 'recurring' is the plan rate where there is one, else the spot rate. The reporting currency itself is always 1.
-- Left out: rates into other currencies than the reporting one.

with

seeded as (
    select
        lower(trim(kind)) as kind,
        upper(trim(from_currency)) as currency_code,
        cast(valid_from as date) as valid_from,
        cast(rate as decimal(18, 10)) as rate
    from {{ ref('exchange_rates') }}
    where
        upper(trim(to_currency)) = '{{ var("reporting_currency") }}'
        and upper(trim(from_currency)) <> '{{ var("reporting_currency") }}'
),

followed as (
    select
        kind,
        currency_code,
        valid_from,
        rate,
        lead(valid_from) over (partition by kind, currency_code order by valid_from) as next_from,
        {{ date_add(
            'month',
            '12 - mod(cast(extract(month from valid_from) as integer) - ' ~ var('fiscal_year_start_month') ~ ' + 12, 12)',
            'cast(' ~ dbt.date_trunc('month', 'valid_from') ~ ' as date)'
        ) }} as next_fiscal_year
    from seeded
),

dated as (
    select
        kind,
        currency_code,
        valid_from,
        case
            when kind = 'plan' then least(next_fiscal_year, coalesce(next_from, next_fiscal_year))
            else coalesce(next_from, cast('9999-12-31' as date))
        end as valid_to,
        rate
    from followed
),

boundaries as (
    select currency_code, valid_from as boundary from dated
    union distinct
    select currency_code, valid_to as boundary from dated where kind = 'plan'
),

stretches as (
    select
        currency_code,
        boundary as valid_from,
        coalesce(
            lead(boundary) over (partition by currency_code order by boundary), cast('9999-12-31' as date)
        ) as valid_to
    from boundaries
),

recurring as (
    select
        stretches.currency_code,
        stretches.valid_from,
        stretches.valid_to,
        coalesce(plan_rates.rate, spot_rates.rate) as rate
    from stretches
    left join dated as plan_rates
        on
            plan_rates.kind = 'plan'
            and stretches.currency_code = plan_rates.currency_code
            and stretches.valid_from >= plan_rates.valid_from
            and stretches.valid_from < plan_rates.valid_to
    left join dated as spot_rates
        on
            spot_rates.kind = 'spot'
            and stretches.currency_code = spot_rates.currency_code
            and stretches.valid_from >= spot_rates.valid_from
            and stretches.valid_from < spot_rates.valid_to
),

kinds as (
    select cast('spot' as {{ dbt.type_string() }}) as kind
    union all
    select 'plan' as kind
    union all
    select 'recurring' as kind
)

select
    kind,
    currency_code,
    valid_from,
    valid_to,
    rate
from dated
union all
select
    cast('recurring' as {{ dbt.type_string() }}) as kind,
    currency_code,
    valid_from,
    valid_to,
    rate
from recurring
where rate is not null
union all
select
    kind,
    cast('{{ var("reporting_currency") }}' as {{ dbt.type_string() }}) as currency_code,
    cast('0001-01-01' as date) as valid_from,
    cast('9999-12-31' as date) as valid_to,
    cast(1 as decimal(18, 10)) as rate
from kinds
