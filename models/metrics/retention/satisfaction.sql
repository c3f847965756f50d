-- Satisfaction: how content are the customers who answered?
-- Grain: variant, grain, period_start, dimension, dimension_value. default and csat: share of answers in the top boxes of the scale
-- (score 0.75 or more). nps: share of 9 and 10 less the share of 0 to 6, -1..1.
-- Left out: customers who did not answer; customer effort scores.

{% call kpi_mart(inputs=['surveys'], variants={'default': 'ratio', 'csat': 'ratio', 'nps': 'ratio'}) -%}

with

sliced as (
    {{ slice_by(ref('surveys'), ['segment', 'region'], ['answered_on', 'kind', 'score']) }}
),

counted as (
    {{ sum_by_period('sliced', 'answered_on', {
        'csat_answers': "case when kind = 'csat' then 1 else 0 end",
        'satisfied': "case when kind = 'csat' and score >= 0.75 then 1 else 0 end",
        'nps_answers': "case when kind = 'nps' then 1 else 0 end",
        'promoters_and_detractors': "case when kind = 'nps' and (score >= 9 or score <= 6) then 1 else 0 end",
        'promoters_less_detractors': "case when kind = 'nps' and score >= 9 then 1 when kind = 'nps' and score <= 6 then -1 else 0 end",
    }) }}
),

-- an answer is 1, 0 or −1: 95 % of the mean of so many, from 30 on
spread as (
    select
        *,
        {{ safe_divide('promoters_less_detractors', 'nps_answers') }} as score,
        case when nps_answers >= 30 then 1.959963984540054 * sqrt(
            greatest(
                {{ safe_divide('promoters_and_detractors', 'nps_answers') }}
                - {{ safe_divide('promoters_less_detractors', 'nps_answers') }}
                * {{ safe_divide('promoters_less_detractors', 'nps_answers') }}, 0
            ) / nps_answers
        ) end as margin
    from counted
)

{{ kpi_rows('counted', 'default', 'satisfied', 'csat_answers', interval='wilson') }}
union all
{{ kpi_rows('counted', 'csat', 'satisfied', 'csat_answers', interval='wilson') }}
union all
{{ kpi_rows(
    'spread', 'nps', 'promoters_less_detractors', 'nps_answers',
    low='case when margin is not null then greatest(score - margin, -1) end',
    high='case when margin is not null then least(score + margin, 1) end'
) }}

{%- endcall %}
