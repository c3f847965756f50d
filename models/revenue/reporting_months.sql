-- Which months make up each reporting period?
-- Grain: grain, period_start, period_end, month_start. Months run from the first business event to the month of the as-of day.
-- Left out: nothing. Quarters and years follow the fiscal year; trailing_12_months ends with each month; all_time ends with the as-of day.

with

first_days as (
    select min({{ reporting_date('coalesce(opened_at, created_at, closed_at)') }}) as first_day
    from {{ ref('entry_opportunities') }} where not is_deleted
    union all
    select min({{ reporting_date('closed_at') }}) as first_day
    from {{ ref('entry_opportunities') }} where not is_deleted
    union all
    select min(starts_on) as first_day from {{ ref('entry_subscription_periods') }} where not is_deleted
    union all
    select min(term_starts_on) as first_day from {{ ref('entry_contracts') }} where not is_deleted
    union all
    select min(spent_on) as first_day from {{ ref('entry_spend') }} where not is_deleted
    union all
    select min(period_start) as first_day from {{ ref('entry_forecasts') }} where not is_deleted
    union all
    select min({{ reporting_date('opened_at') }}) as first_day from {{ ref('entry_tickets') }} where not is_deleted
    union all
    select min({{ reporting_date('answered_at') }}) as first_day from {{ ref('entry_surveys') }} where not is_deleted
    union all
    select min({{ reporting_date('occurred_at') }}) as first_day from {{ ref('entry_touches') }} where not is_deleted
    union all
    select min({{ reporting_date('entered_at') }}) as first_day from {{ ref('entry_funnel_events') }} where not is_deleted
    union all
    select {{ as_of_date() }} as first_day
),

bounds as (
    select
        cast({{ dbt.date_trunc('month', 'min(first_day)') }} as date) as first_month,
        cast({{ dbt.date_trunc('month', as_of_date()) }} as date) as last_month
    from first_days
),

month_starts as (
    select {{ month_series('first_month', 'last_month') }} as month_start
    from bounds
),

fiscal_months as (
    select
        month_start,
        {{ date_add('month', 1, 'month_start') }} as next_month,
        mod(cast(extract(month from month_start) as integer) - {{ var('fiscal_year_start_month') }} + 12, 12) as fiscal_month
    from month_starts
),

fiscal_periods as (
    select
        month_start,
        next_month,
        {{ date_add('month', '-mod(fiscal_month, 3)', 'month_start') }} as quarter_start,
        {{ date_add('month', '-fiscal_month', 'month_start') }} as year_start
    from fiscal_months
),

final as (
    select
        cast('month' as {{ dbt.type_string() }}) as grain,
        month_start as period_start,
        next_month as period_end,
        month_start
    from fiscal_periods
    union all
    select
        'quarter' as grain,
        quarter_start as period_start,
        {{ date_add('month', 3, 'quarter_start') }} as period_end,
        month_start
    from fiscal_periods
    union all
    select
        'year' as grain,
        year_start as period_start,
        {{ date_add('month', 12, 'year_start') }} as period_end,
        month_start
    from fiscal_periods
    union all
    select
        'trailing_12_months' as grain,
        {{ date_add('month', -11, 'ending.month_start') }} as period_start,
        ending.next_month as period_end,
        inside.month_start
    from fiscal_periods as ending
    inner join fiscal_periods as inside
        on
            inside.month_start <= ending.month_start
            and inside.month_start > {{ date_add('month', -12, 'ending.month_start') }}
    union all
    select
        'all_time' as grain,
        bounds.first_month as period_start,
        {{ date_add('day', 1, as_of_date()) }} as period_end,
        fiscal_periods.month_start
    from fiscal_periods
    cross join bounds
)

select
    grain,
    period_start,
    period_end,
    month_start,
    -- the last day of the period that exists
    least({{ date_add('day', -1, 'period_end') }}, {{ as_of_date() }}) as last_day
from final
