-- First reply time: how many days does a support request wait for the first reply?
-- Grain: variant, grain, period_start, dimension, dimension_value. Median over tickets opened in the period, those without a reply
-- yet censored.
-- Left out: deleted tickets.

{% call kpi_mart(inputs=['tickets'], variants={'default': 'days'}) -%}

with

tickets as (
    select
        segment,
        region,
        team,
        opened_on,
        cast(greatest({{ seconds_between('opened_at', 'coalesce(first_replied_at, ' ~ end_of_as_of_day() ~ ')') }}, 0) as double)
        / 86400 as duration,
        case when first_replied_at is null then 0 else 1 end as outcome
    from {{ ref('tickets') }}
),

sliced as (
    {{ slice_by('tickets', ['segment', 'region', 'team'], ['opened_on', 'duration', 'outcome']) }}
),

medians as (
    {{ median_by_period('sliced', 'opened_on') }}
)

{{ kpi_rows(
    'medians', 'default', value='median_duration', n='cases', unit='days', null_reason='null_reason',
    low='median_low', high='median_high'
) }}

{%- endcall %}
