-- KPI anomalies: which KPI broke with its own history in the last complete month, in total or in a slice?
-- Grain: kpi, dimension, dimension_value. The change is that against the mean of the three months before, by factors where
-- values are positive and no shares; expected is the median of such changes. An anomaly is unlikely by chance, held at 5 % false
-- ones among all that are told (Benjamini and Hochberg), and a tenth of the value or more.
-- Left out: readings other than the default, owners, monthly recurring revenue (a twelfth of annual), slices with less than
-- twelve such changes before the month.

with

complete_months as (
    select
        kpi,
        dimension,
        dimension_value,
        period_start,
        value,
        unit,
        max(period_start) over () as last_month,
        -- amounts and times vary by factors, shares by differences
        unit <> 'ratio' and min(value) over (partition by kpi, dimension, dimension_value) > 0 as is_by_factor
    from {{ ref('kpi_values') }}
    where
        grain = 'month'
        and variant = 'default'
        and dimension <> 'owner'
        and kpi <> 'monthly_recurring_revenue'
        and value is not null
        and period_end <= {{ date_add('day', 1, as_of_date()) }}
),

scaled as (
    select
        *,
        case when is_by_factor then ln(value) else value end as scaled_value
    from complete_months
),

smoothed as (
    select
        *,
        avg(scaled_value) over (
            partition by kpi, dimension, dimension_value
            order by period_start
            rows between 3 preceding and 1 preceding
        ) as level_before,
        count(*) over (
            partition by kpi, dimension, dimension_value
            order by period_start
            rows between 3 preceding and 1 preceding
        ) as months_before
    from scaled
),

changes as (
    select
        kpi,
        dimension,
        dimension_value,
        period_start,
        last_month,
        value,
        unit,
        is_by_factor,
        level_before,
        scaled_value - level_before as change,
        case when period_start = last_month then 1 else 0 end as is_last
    from smoothed
    where months_before = 3 and period_start >= {{ date_add('month', -36, 'last_month') }}
),

usual as (
    select
        kpi,
        dimension,
        dimension_value,
        {{ percentile('change', 0.5) }} as usual_change,
        count(*) as months,
        max(case when period_start = {{ date_add('month', -12, 'last_month') }} then change end) as change_a_year_ago
    from changes
    where is_last = 0
    group by kpi, dimension, dimension_value
    having count(*) >= 12
),

spreads as (
    select
        changes.kpi,
        changes.dimension,
        changes.dimension_value,
        {{ percentile('abs(changes.change - usual.usual_change)', 0.5) }} as median_distance,
        avg(abs(changes.change - usual.usual_change)) as mean_distance
    from changes
    inner join usual
        on
            changes.kpi = usual.kpi
            and changes.dimension = usual.dimension
            and changes.dimension_value = usual.dimension_value
    where changes.is_last = 0
    group by changes.kpi, changes.dimension, changes.dimension_value
),

measured as (
    select
        changes.kpi,
        changes.dimension,
        changes.dimension_value,
        changes.period_start,
        changes.value,
        changes.unit,
        usual.months,
        changes.is_by_factor,
        changes.level_before + usual.usual_change as scaled_expected,
        -- both estimate the standard deviation of a normal; the larger one is the careful one, and none where most months do
        -- not move
        case
            when spreads.median_distance > 0
                then greatest(1.4826 * spreads.median_distance, 1.2533 * spreads.mean_distance)
        end as spread,
        abs(changes.change - usual.usual_change) as distance,
        -- a season repeats: what came a year ago is no surprise
        abs(changes.change - usual.change_a_year_ago) as distance_to_season
    from changes
    inner join usual
        on
            changes.kpi = usual.kpi
            and changes.dimension = usual.dimension
            and changes.dimension_value = usual.dimension_value
    inner join spreads
        on
            changes.kpi = spreads.kpi
            and changes.dimension = spreads.dimension
            and changes.dimension_value = spreads.dimension_value
    where changes.is_last = 1
),

deviations as (
    select
        *,
        case when is_by_factor then exp(scaled_expected) else scaled_expected end as expected,
        {{ safe_divide('least(distance, coalesce(distance_to_season, distance))', 'spread') }} as deviation
    from measured
),

tested as (
    select
        *,
        -- an upper bound of the two-sided tail of Student's distribution, with as many degrees of freedom as half the months
        case
            when deviation is null then 1.0
            else power(1 + deviation * deviation / (months / 2.0), -months / 4.0)
        end as chance
    from deviations
),

ranked as (
    select
        *,
        count(*) over () as family,
        row_number() over (order by chance, kpi, dimension, dimension_value) as place
    from tested
),

controlled as (
    select
        *,
        min(least(1.0, chance * family / place)) over (
            order by place desc
            rows between unbounded preceding and current row
        ) as false_discovery_rate
    from ranked
)

select
    kpi,
    dimension,
    dimension_value,
    period_start,
    value,
    expected,
    deviation,
    false_discovery_rate,
    false_discovery_rate <= 0.05 and abs(value - expected) >= 0.1 * abs(expected) as is_anomaly,
    unit,
    cast(months as bigint) as months
from controlled
