-- Pipeline velocity: how much revenue a day does the open pipeline yield at the recent average amount, win rate and cycle?
-- Grain: variant, grain, period_start, dimension, dimension_value. Open and qualified at the end of the period; average won
-- amount, win rate and cycle of the twelve months that end with it (all_time: of all).
-- Left out: slices in which nothing was won or no cycle is known: null.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}
{% set no_mean = "case when cycles > 0 and cycle_days > 0 and expected_amount is not null then null else 'no_denominator' end" -%}

{% call kpi_mart(
    inputs=['opportunities'],
    variants={'default': 'currency_per_day', 'median_cycle': 'currency_per_day', 'per_month': 'currency'}
) -%}

with

deals as (
    select
        opportunity_id,
        segment,
        region,
        owner_name as owner,
        team,
        product,
        lead_source,
        direction,
        kind,
        closed_on,
        is_closed,
        is_won,
        amount,
        case
            when is_won and opened_on <= closed_on then cast({{ days_between('opened_on', 'closed_on') }} as integer)
        end as won_cycle_days
    from {{ ref('opportunities') }}
),

closed_deals as (
    select * from deals
    where is_closed and closed_on is not null
),

sliced as (
    {{ slice_by('closed_deals', dimensions, ['closed_on', 'is_won', 'amount', 'won_cycle_days']) }}
),

-- the twelve months that end with the period; of the last, running ones, as much as there is
window_months as (
    select
        periods.grain,
        periods.period_start,
        periods.period_end,
        months.month_start
    from {{ ref('reporting_periods') }} as periods
    inner join {{ ref('reporting_months') }} as months
        on
            months.grain = 'month'
            and (
                periods.grain = 'all_time'
                or (
                    months.month_start >= {{ date_add('month', -12, 'periods.period_end') }}
                    and months.month_start < periods.period_end
                )
            )
),

monthly as (
    select
        cast({{ dbt.date_trunc('month', 'closed_on') }} as date) as month_start,
        dimension,
        dimension_value,
        sum(case when is_won then 1 else 0 end) as won,
        count(*) as decided,
        sum(case when is_won then coalesce(amount, 0) else 0 end) as won_amount,
        sum(case when is_won and amount is not null then 1 else 0 end) as won_with_amount,
        sum(coalesce(won_cycle_days, 0)) as cycle_days,
        count(won_cycle_days) as cycles,
        -- as decimals, so that the sum does not depend on the order of the rows
        sum(case when is_won then {{ money('cast(amount as double) * cast(amount as double)') }} end) as amount_squares,
        sum({{ money('won_cycle_days * won_cycle_days') }}) as cycle_squares,
        sum(case when is_won then {{ money('cast(amount as double) * won_cycle_days') }} end) as amount_cycles,
        sum(case when amount is not null and won_cycle_days is not null then 1 else 0 end) as amounts_with_cycle
    from sliced
    group by cast({{ dbt.date_trunc('month', 'closed_on') }} as date), dimension, dimension_value
),

windows as (
    select
        window_months.grain,
        window_months.period_start,
        window_months.period_end,
        monthly.dimension,
        monthly.dimension_value,
        sum(monthly.won) as won,
        sum(monthly.decided) as decided,
        sum(monthly.won_amount) as won_amount,
        sum(monthly.won_with_amount) as won_with_amount,
        sum(monthly.cycle_days) as cycle_days,
        sum(monthly.cycles) as cycles,
        sum(monthly.amount_squares) as amount_squares,
        sum(monthly.cycle_squares) as cycle_squares,
        sum(monthly.amount_cycles) as amount_cycles,
        sum(monthly.amounts_with_cycle) as amounts_with_cycle
    from window_months
    inner join monthly
        on window_months.month_start = monthly.month_start
    group by
        window_months.grain, window_months.period_start, window_months.period_end,
        monthly.dimension, monthly.dimension_value
),

medians as (
    select
        window_months.grain,
        window_months.period_start,
        window_months.period_end,
        sliced.dimension,
        sliced.dimension_value,
        {{ percentile('sliced.won_cycle_days', 0.5) }} as median_cycle_days
    from sliced
    inner join window_months
        on cast({{ dbt.date_trunc('month', 'sliced.closed_on') }} as date) = window_months.month_start
    group by
        window_months.grain, window_months.period_start, window_months.period_end,
        sliced.dimension, sliced.dimension_value
),

qualified_moves as (
    select
        deals.*,
        {{ reporting_date('history.valid_from') }} as moved_on,
        1 as open_change
    from {{ ref('opportunity_history') }} as history
    inner join deals
        on history.opportunity_id = deals.opportunity_id
    where history.is_qualified and not history.is_deleted
    union all
    select
        deals.*,
        {{ reporting_date('history.valid_to') }} as moved_on,
        -1 as open_change
    from {{ ref('opportunity_history') }} as history
    inner join deals
        on history.opportunity_id = deals.opportunity_id
    where history.is_qualified and not history.is_deleted and history.valid_to is not null
    union all
    -- every slice of the deals is a slice here, with or without an open one
    select
        deals.*,
        cast(null as date) as moved_on,
        0 as open_change
    from deals
),

sliced_moves as (
    {{ slice_by('qualified_moves', dimensions, ['moved_on', 'open_change']) }}
),

qualified as (
    {{ stock_by_period('sliced_moves', 'moved_on', {'still_open': 'open_change'}) }}
),

measured as (
    select
        qualified.grain,
        qualified.period_start,
        qualified.period_end,
        qualified.dimension,
        qualified.dimension_value,
        qualified.still_open,
        cast(qualified.still_open as double)
        * {{ safe_divide('windows.won_amount', 'windows.won_with_amount') }}
        * {{ safe_divide('windows.won', 'windows.decided') }} as expected_amount,
        windows.cycles,
        windows.cycle_days,
        -- relative variance of average amount × win rate ÷ mean cycle (delta method); how many deals are open is known
        {{ safe_divide('windows.amount_squares', 'windows.won_amount') }} / nullif(cast(windows.won_amount as double), 0)
        - {{ safe_divide('1', 'windows.won_with_amount') }}
        + {{ safe_divide('windows.cycle_squares', 'windows.cycle_days') }} / nullif(cast(windows.cycle_days as double), 0)
        - {{ safe_divide('1', 'windows.cycles') }}
        - 2 * (
            {{ safe_divide('coalesce(windows.amount_cycles, 0)', 'windows.won_amount') }}
            / nullif(cast(windows.cycle_days as double), 0)
            - {{ safe_divide('windows.amounts_with_cycle', 'windows.won_with_amount * windows.cycles') }}
        )
        + {{ safe_divide('1', 'windows.won') }} - {{ safe_divide('1', 'windows.decided') }} as relative_variance,
        windows.decided,
        medians.median_cycle_days
    from qualified
    left join windows
        on
            qualified.grain = windows.grain
            and qualified.period_start = windows.period_start
            and qualified.period_end = windows.period_end
            and qualified.dimension = windows.dimension
            and qualified.dimension_value = windows.dimension_value
    left join medians
        on
            qualified.grain = medians.grain
            and qualified.period_start = medians.period_start
            and qualified.period_end = medians.period_end
            and qualified.dimension = medians.dimension
            and qualified.dimension_value = medians.dimension_value
),

judged as (
    select
        *,
        {{ safe_divide('expected_amount * cycles', 'cycle_days') }} as velocity,
        -- 95 % of a logarithmic normal distribution; fewer than 30 deals say too little of it
        case when decided >= 30 then exp(1.959963984540054 * sqrt(greatest(relative_variance, 0))) end as spread
    from measured
)

-- ÷ mean cycle = × cycles ÷ cycle days: the stored denominator stays exact
{{ kpi_rows(
    'judged', 'default', 'expected_amount * cycles', 'cycle_days', n='still_open', unit='currency_per_day',
    null_reason=no_mean, low='velocity / spread', high='velocity * spread'
) }}
union all
{{ kpi_rows(
    'judged', 'median_cycle', 'expected_amount', 'median_cycle_days', n='still_open', unit='currency_per_day',
    null_reason="case when median_cycle_days > 0 and expected_amount is not null then null else 'no_denominator' end"
) }}
union all
{{ kpi_rows(
    'judged', 'per_month', 'expected_amount * cycles * 365', 'cycle_days * 12', n='still_open', unit='currency',
    null_reason=no_mean, low='velocity / spread * 365 / 12', high='velocity * spread * 365 / 12'
) }}

{%- endcall %}
