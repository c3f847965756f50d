-- Sales cycle length: how many days from opening to closing, for deals won in the period?
-- Grain: variant, grain, period_start, dimension, dimension_value. Unit: whole days in the reporting time zone.
-- Left out: deals without both days, and deals that closed before they were opened.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}

{% call kpi_mart(
    inputs=['opportunities'],
    variants={
        'default': 'days', 'mean': 'days', 'mean_all_closed': 'days', 'p25': 'days', 'p75': 'days', 'p90': 'days',
        'lost': 'days',
    }
) -%}

with

cycles as (
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
        is_won,
        cast({{ days_between('opened_on', 'closed_on') }} as integer) as cycle_days
    from {{ ref('opportunities') }}
    where is_closed and opened_on <= closed_on
),

sliced as (
    {{ slice_by('cycles', dimensions, ['closed_on', 'is_won', 'cycle_days']) }}
),

summed as (
    {{ sum_by_period('sliced', 'closed_on', {
        'won': 'case when is_won then 1 else 0 end',
        'won_days': 'case when is_won then cycle_days else 0 end',
        'decided': '1',
        'decided_days': 'cycle_days',
    }) }}
),

ranked as (
    select
        months.grain,
        months.period_start,
        sliced.dimension,
        sliced.dimension_value,
        {{ percentile('case when sliced.is_won then sliced.cycle_days end', 0.25) }} as won_p25,
        {{ percentile('case when sliced.is_won then sliced.cycle_days end', 0.5) }} as won_p50,
        {{ percentile('case when sliced.is_won then sliced.cycle_days end', 0.75) }} as won_p75,
        {{ percentile('case when sliced.is_won then sliced.cycle_days end', 0.9) }} as won_p90,
        {{ percentile('case when not sliced.is_won then sliced.cycle_days end', 0.5) }} as lost_p50
    from sliced
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced.closed_on') }} as date) = months.month_start
    group by months.grain, months.period_start, sliced.dimension, sliced.dimension_value
),

measured as (
    select
        summed.*,
        summed.decided - summed.won as lost,
        ranked.won_p25,
        ranked.won_p50,
        ranked.won_p75,
        ranked.won_p90,
        ranked.lost_p50
    from summed
    left join ranked
        on
            summed.grain = ranked.grain
            and summed.period_start = ranked.period_start
            and summed.dimension = ranked.dimension
            and summed.dimension_value = ranked.dimension_value
)

{{ kpi_rows('measured', 'default', value='won_p50', n='won', unit='days') }}
union all
{{ kpi_rows('measured', 'mean', 'won_days', 'won', unit='days') }}
union all
{{ kpi_rows('measured', 'mean_all_closed', 'decided_days', 'decided', unit='days') }}
union all
{{ kpi_rows('measured', 'p25', value='won_p25', n='won', unit='days') }}
union all
{{ kpi_rows('measured', 'p75', value='won_p75', n='won', unit='days') }}
union all
{{ kpi_rows('measured', 'p90', value='won_p90', n='won', unit='days') }}
union all
{{ kpi_rows('measured', 'lost', value='lost_p50', n='lost', unit='days') }}

{%- endcall %}
