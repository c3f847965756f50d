-- Lead response time: how long does a new lead wait for a person to reach out?
-- Grain: variant, grain, period_start, dimension, dimension_value. Days from the creation of the lead to the first outbound touch
-- made by a human; median over leads created in the period, unanswered ones censored. Shares are of all leads created.
-- Left out: contacts, subscribers, automated touches.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'lead_source'] -%}

{% call kpi_mart(
    inputs=['people', 'touches'],
    variants={'default': 'days', 'never_answered_share': 'ratio', 'within_five_minutes': 'ratio'}
) -%}

with

leads as (
    select
        segment,
        region,
        owner_name as owner,
        team,
        lead_source,
        created_on,
        cast({{ seconds_between('created_at', 'coalesce(first_response_at, ' ~ end_of_as_of_day() ~ ')') }} as double) / 86400
            as duration,
        case when first_response_at is null then 0 else 1 end as outcome
    from {{ ref('leads') }}
),

sliced as (
    {{ slice_by('leads', dimensions, ['created_on', 'duration', 'outcome']) }}
),

medians as (
    {{ median_by_period('sliced', 'created_on') }}
),

counted as (
    {{ sum_by_period('sliced', 'created_on', {
        'leads': '1',
        'never_answered': '1 - outcome',
        'within_five_minutes': 'case when outcome = 1 and duration * 86400 <= 300 then 1 else 0 end',
    }) }}
)

{{ kpi_rows(
    'medians', 'default', value='median_duration', n='cases', unit='days', null_reason='null_reason',
    low='median_low', high='median_high'
) }}
union all
{{ kpi_rows('counted', 'never_answered_share', 'never_answered', 'leads', interval='wilson') }}
union all
{{ kpi_rows('counted', 'within_five_minutes', 'within_five_minutes', 'leads', interval='wilson') }}

{%- endcall %}
