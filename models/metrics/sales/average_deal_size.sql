-- Average deal size: how large is a won new-business or expansion deal?
-- Grain: variant, grain, period_start, dimension, dimension_value. A deal without a kind counts as new business.
-- Left out: renewals, deals without an amount.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}

{% call kpi_mart(inputs=['opportunities'], variants={'default': 'currency', 'median': 'currency'}) -%}

with

won_deals as (
    select
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
    {{ slice_by('won_deals', dimensions, ['closed_on', 'amount']) }}
),

summed as (
    {{ sum_by_period('sliced', 'closed_on', {'won_amount': 'amount', 'won': '1'}) }}
),

medians as (
    select
        months.grain,
        months.period_start,
        sliced.dimension,
        sliced.dimension_value,
        {{ percentile('sliced.amount', 0.5) }} as median_amount
    from sliced
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced.closed_on') }} as date) = months.month_start
    group by months.grain, months.period_start, sliced.dimension, sliced.dimension_value
),

measured as (
    select
        summed.*,
        medians.median_amount
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
{{ kpi_rows('measured', 'median', value='median_amount', n='won', unit='currency') }}

{%- endcall %}
