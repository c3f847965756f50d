-- Average deal size: how large is a won new-business or expansion deal?
-- Grain: variant, grain, period_start, dimension, dimension_value. A deal without a kind counts as new business.
-- Left out: renewals, deals without an amount.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}

{% call kpi_mart(inputs=['opportunities'], variants={'default': 'currency', 'median': 'currency'}) -%}

with

won_deals as (
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
        amount
    from {{ ref('opportunities') }}
    where
        is_won
        and closed_on is not null
        and amount is not null
        and coalesce(kind, 'new_business') in ('new_business', 'expansion')
),

sliced as (
    {{ slice_by('won_deals', dimensions, ['opportunity_id', 'closed_on', 'amount']) }}
),

summed as (
    {{ sum_by_period('sliced', 'closed_on', {'won_amount': 'amount', 'won': '1'}) }}
),

placed as (
    select
        months.grain,
        months.period_start,
        sliced.dimension,
        sliced.dimension_value,
        sliced.amount,
        row_number() over (
            partition by months.grain, months.period_start, sliced.dimension, sliced.dimension_value
            order by sliced.amount, sliced.opportunity_id
        ) as place,
        count(*) over (
            partition by months.grain, months.period_start, sliced.dimension, sliced.dimension_value
        ) as places
    from sliced
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced.closed_on') }} as date) = months.month_start
),

medians as (
    select
        grain,
        period_start,
        dimension,
        dimension_value,
        {{ percentile('amount', 0.5) }} as median_amount,
        {{ percentile_interval('amount', 'place', 'places', 0.5, '-') }} as median_low,
        {{ percentile_interval('amount', 'place', 'places', 0.5, '+') }} as median_high
    from placed
    group by grain, period_start, dimension, dimension_value
),

measured as (
    select
        summed.*,
        medians.median_amount,
        medians.median_low,
        medians.median_high
    from summed
    left join medians
        on
            summed.grain = medians.grain
            and summed.period_start = medians.period_start
            and summed.dimension = medians.dimension
            and summed.dimension_value = medians.dimension_value
)

{{ kpi_rows('measured', 'default', 'won_amount', 'won', unit='currency') }}
union all
{{ kpi_rows('measured', 'median', value='median_amount', n='won', unit='currency', low='median_low', high='median_high') }}

{%- endcall %}
