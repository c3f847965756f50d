-- Time in stage: how many days does a deal stay in a stage?
-- Grain: variant, grain, period_start, dimension, dimension_value. Median over stays that began in the period, deals still in the
-- stage censored, never dropped; one variant per stage, default over all of them.
-- Left out: closed and unmapped stages.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}
{% set stages = ['prospecting', 'qualified', 'proposal', 'negotiation'] -%}

{% call kpi_mart(
    inputs=['opportunities'],
    variants={'default': 'days', 'prospecting': 'days', 'qualified': 'days', 'proposal': 'days', 'negotiation': 'days'}
) -%}

with

stays as (
    select
        shared_stage,
        entered_on,
        segment,
        region,
        owner_name as owner,
        team,
        product,
        lead_source,
        direction,
        kind,
        cast({{ seconds_between('entered_at', 'coalesce(exited_at, ' ~ end_of_as_of_day() ~ ')') }} as double) / 86400 as duration,
        case when exited_at is null then 0 else 1 end as outcome
    from {{ ref('stage_intervals') }}
),

sliced as (
    {{ slice_by('stays', dimensions, ['shared_stage', 'entered_on', 'duration', 'outcome']) }}
),

counted as (
    {{ sum_by_period('sliced', 'entered_on', {
        'stays_in_prospecting': "case when shared_stage = 'prospecting' then 1 else 0 end",
        'stays_in_qualified': "case when shared_stage = 'qualified' then 1 else 0 end",
        'stays_in_proposal': "case when shared_stage = 'proposal' then 1 else 0 end",
        'stays_in_negotiation': "case when shared_stage = 'negotiation' then 1 else 0 end",
    }) }}
),

stays_by_period as (
    select
        months.grain,
        months.period_start,
        sliced.dimension,
        sliced.dimension_value,
        sliced.shared_stage,
        sliced.duration,
        sliced.outcome
    from sliced
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced.entered_on') }} as date) = months.month_start
),

medians_by_stage as (
    {{ median_time_to_event('stays_by_period', ['grain', 'period_start', 'dimension', 'dimension_value', 'shared_stage']) }}
),

by_stage as (
    select
        counted.*
        {%- for stage in stages %},
        in_{{ stage }}.median_duration as days_in_{{ stage }},
        case when in_{{ stage }}.median_high is not null then in_{{ stage }}.median_low end as low_in_{{ stage }},
        case when in_{{ stage }}.median_duration is not null then in_{{ stage }}.median_high end as high_in_{{ stage }},
        case
            when counted.stays_in_{{ stage }} = 0 then 'no_denominator'
            when in_{{ stage }}.median_duration is null then 'insufficient_history'
        end as why_null_{{ stage }}
        {%- endfor %}
    from counted
    {%- for stage in stages %}
    left join medians_by_stage as in_{{ stage }}
        on
            in_{{ stage }}.shared_stage = '{{ stage }}'
            and counted.grain = in_{{ stage }}.grain
            and counted.period_start = in_{{ stage }}.period_start
            and counted.dimension = in_{{ stage }}.dimension
            and counted.dimension_value = in_{{ stage }}.dimension_value
    {%- endfor %}
),

in_any_stage as (
    {{ median_by_period('sliced', 'entered_on') }}
)

{{ kpi_rows(
    'in_any_stage', 'default', value='median_duration', n='cases', unit='days', null_reason='null_reason',
    low='median_low', high='median_high'
) }}
{%- for stage in stages %}
union all
{{ kpi_rows(
    'by_stage', stage, value='days_in_' ~ stage, n='stays_in_' ~ stage, unit='days', null_reason='why_null_' ~ stage,
    low='low_in_' ~ stage, high='high_in_' ~ stage
) }}
{%- endfor %}

{%- endcall %}
