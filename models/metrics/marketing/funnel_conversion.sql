-- Funnel conversion: of the people who entered a stage in the period, which share reached the next one or a later one?
-- Grain: variant, grain, period_start, dimension, dimension_value. Cohorts by entry, followed to the as-of day; one variant per
-- step, default from lead to customer. Someone who skips a stage has reached it.
-- Left out: stages that funnel_mapping.csv does not map.

{% set dimensions = ['segment', 'region', 'lead_source'] -%}
{% set steps = [
    ('subscriber', 'lead'), ('lead', 'mql'), ('mql', 'sql'), ('sql', 'opportunity'), ('opportunity', 'customer'),
] -%}

{% call kpi_mart(
    inputs=['funnel_events', 'people'],
    variants={
        'default': 'ratio', 'subscriber_to_lead': 'ratio', 'lead_to_mql': 'ratio', 'mql_to_sql': 'ratio',
        'sql_to_opportunity': 'ratio', 'opportunity_to_customer': 'ratio',
    }
) -%}

with

furthest as (
    select
        person_id,
        max(stage_order) as reached_order,
        max(case when funnel_stage = 'customer' then 1 else 0 end) as is_customer
    from {{ ref('funnel_entries') }}
    group by person_id
),

entries as (
    select
        entries.funnel_stage,
        entries.entered_on,
        people.lead_source,
        accounts.segment,
        accounts.region,
        case when furthest.reached_order > entries.stage_order then 1 else 0 end as has_moved_on,
        furthest.is_customer
    from {{ ref('funnel_entries') }} as entries
    inner join furthest
        on entries.person_id = furthest.person_id
    left join {{ ref('people') }} as people
        on entries.person_id = people.person_id
    left join {{ ref('accounts') }} as accounts
        on people.account_id = accounts.account_id
),

sliced as (
    {{ slice_by('entries', dimensions, ['funnel_stage', 'entered_on', 'has_moved_on', 'is_customer']) }}
),

{%- set measures = {'won_leads': "case when funnel_stage = 'lead' then is_customer else 0 end"} -%}
{%- for entered, reached in steps -%}
    {%- do measures.update({
        'entered_' ~ entered: "case when funnel_stage = '" ~ entered ~ "' then 1 else 0 end",
        'moved_on_from_' ~ entered: "case when funnel_stage = '" ~ entered ~ "' then has_moved_on else 0 end",
    }) -%}
{%- endfor %}

counted as (
    {{ sum_by_period('sliced', 'entered_on', measures) }}
)

{{ kpi_rows('counted', 'default', 'won_leads', 'entered_lead', interval='wilson') }}
{%- for entered, reached in steps %}
union all
{{ kpi_rows('counted', entered ~ '_to_' ~ reached, 'moved_on_from_' ~ entered, 'entered_' ~ entered, interval='wilson') }}
{%- endfor %}

{%- endcall %}
