-- Sales cycle length: how many days from opening to closing, for deals won in the period?
-- Grain: variant, grain, period_start, dimension, dimension_value. Unit: whole days in the reporting time zone.
-- Left out: deals without both days, and deals that closed before they were opened.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}
{% set percentiles = [
    ('won_p25', 'is_won', 0.25), ('won_p50', 'is_won', 0.5), ('won_p75', 'is_won', 0.75), ('won_p90', 'is_won', 0.9),
    ('lost_p50', 'not is_won', 0.5),
] -%}

{% call kpi_mart(
    inputs=['opportunities'],
    variants={
        'default': 'days', 'mean': 'days', 'mean_all_closed': 'days', 'p25': 'days', 'p75': 'days', 'p90': 'days',
        'lost': 'days', 'kaplan_meier_median': 'days',
    }
) -%}

with

cycles as (
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
        is_won,
        cast({{ days_between('opened_on', 'closed_on') }} as integer) as cycle_days
    from {{ ref('opportunities') }}
    where is_closed and opened_on <= closed_on
),

sliced as (
    {{ slice_by('cycles', dimensions, ['opportunity_id', 'closed_on', 'is_won', 'cycle_days']) }}
),

summed as (
    {{ sum_by_period('sliced', 'closed_on', {
        'won': 'case when is_won then 1 else 0 end',
        'won_days': 'case when is_won then cycle_days else 0 end',
        'decided': '1',
        'decided_days': 'cycle_days',
    }) }}
),

placed as (
    select
        months.grain,
        months.period_start,
        sliced.dimension,
        sliced.dimension_value,
        sliced.is_won,
        sliced.cycle_days,
        row_number() over (
            partition by months.grain, months.period_start, sliced.dimension, sliced.dimension_value, sliced.is_won
            order by sliced.cycle_days, sliced.opportunity_id
        ) as place,
        count(*) over (
            partition by months.grain, months.period_start, sliced.dimension, sliced.dimension_value, sliced.is_won
        ) as places
    from sliced
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced.closed_on') }} as date) = months.month_start
),

ranked as (
    select
        grain,
        period_start,
        dimension,
        dimension_value,
        {%- for name, outcome, share in percentiles %}
        {{ percentile('case when ' ~ outcome ~ ' then cycle_days end', share) }} as {{ name }},
        {{ percentile_interval('case when ' ~ outcome ~ ' then cycle_days end', 'place', 'places', share, '-') }} as {{ name }}_low,
        {{ percentile_interval('case when ' ~ outcome ~ ' then cycle_days end', 'place', 'places', share, '+') }} as {{ name }}_high
        {{- ',' if not loop.last }}
        {%- endfor %}
    from placed
    group by grain, period_start, dimension, dimension_value
),

-- deals opened in the period, followed until they were won or lost, or as far as they are known
followed_deals as (
    select
        segment,
        region,
        owner_name as owner,
        team,
        product,
        lead_source,
        direction,
        kind,
        opened_on,
        cast({{ days_between('opened_on', 'case when is_closed then closed_on else ' ~ as_of_date() ~ ' end') }} as double)
            as duration,
        case when is_won then 1 when is_closed then 2 else 0 end as outcome
    from {{ ref('opportunities') }}
    where opened_on is not null and (not is_closed or closed_on >= opened_on)
),

sliced_followed as (
    {{ slice_by('followed_deals', dimensions, ['opened_on', 'duration', 'outcome']) }}
),

followed_by_period as (
    select
        months.grain,
        months.period_start,
        sliced_followed.dimension,
        sliced_followed.dimension_value,
        sliced_followed.duration,
        sliced_followed.outcome
    from sliced_followed
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced_followed.opened_on') }} as date) = months.month_start
),

medians_of_opened as (
    {{ median_time_to_event('followed_by_period', ['grain', 'period_start', 'dimension', 'dimension_value']) }}
),

opened as (
    {{ sum_by_period('sliced_followed', 'opened_on', {'deals': '1'}) }}
),

followed as (
    select
        opened.*,
        medians_of_opened.median_duration,
        case
            when opened.deals = 0 then 'no_denominator'
            when medians_of_opened.median_duration is null then 'insufficient_history'
        end as median_null_reason
    from opened
    left join medians_of_opened
        on
            opened.grain = medians_of_opened.grain
            and opened.period_start = medians_of_opened.period_start
            and opened.dimension = medians_of_opened.dimension
            and opened.dimension_value = medians_of_opened.dimension_value
),

measured as (
    select
        summed.*,
        summed.decided - summed.won as lost,
        {%- for name, outcome, share in percentiles %}
        ranked.{{ name }},
        ranked.{{ name }}_low,
        ranked.{{ name }}_high
        {{- ',' if not loop.last }}
        {%- endfor %}
    from summed
    left join ranked
        on
            summed.grain = ranked.grain
            and summed.period_start = ranked.period_start
            and summed.dimension = ranked.dimension
            and summed.dimension_value = ranked.dimension_value
)

{{ kpi_rows('measured', 'default', value='won_p50', n='won', unit='days', low='won_p50_low', high='won_p50_high') }}
union all
{{ kpi_rows('measured', 'mean', 'won_days', 'won', unit='days') }}
union all
{{ kpi_rows('measured', 'mean_all_closed', 'decided_days', 'decided', unit='days') }}
union all
{{ kpi_rows('measured', 'p25', value='won_p25', n='won', unit='days', low='won_p25_low', high='won_p25_high') }}
union all
{{ kpi_rows('measured', 'p75', value='won_p75', n='won', unit='days', low='won_p75_low', high='won_p75_high') }}
union all
{{ kpi_rows('measured', 'p90', value='won_p90', n='won', unit='days', low='won_p90_low', high='won_p90_high') }}
union all
{{ kpi_rows('measured', 'lost', value='lost_p50', n='lost', unit='days', low='lost_p50_low', high='lost_p50_high') }}
union all
{{ kpi_rows(
    'followed', 'kaplan_meier_median', value='median_duration', n='deals', unit='days', null_reason='median_null_reason'
) }}

{%- endcall %}
