-- Win rate: of the opportunities that closed in the period, which share was won?
-- Grain: variant, grain, period_start, dimension, dimension_value.
-- Left out: deals closed on an unknown day. A slice in which nothing closed is null, not 0.

{% set matured_days = policy_value('win_rate', 'matured_cohort_days', 90) -%}
{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}

{% call kpi_mart(
    inputs=['opportunities'],
    variants={
        'default': 'ratio', 'amount_weighted': 'ratio', 'created_cohort': 'ratio', 'matured_cohort': 'ratio',
        'including_open': 'ratio',
    }
) -%}

with

deals as (
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
        opened_on,
        -- an open deal without an opening day is only known to be open now
        coalesce(opened_on, {{ as_of_date() }}) as in_pipeline_from,
        closed_on,
        is_closed,
        is_won,
        coalesce(amount, 0) as amount
    from {{ ref('opportunities') }}
),

sliced as (
    {{ slice_by('deals', dimensions, [
        'opened_on', 'in_pipeline_from', 'closed_on', 'is_closed', 'is_won', 'amount',
    ]) }}
),

closed as (
    {{ sum_by_period('sliced', 'closed_on', {
        'won': 'case when is_won then 1 else 0 end',
        'decided': '1',
        'won_amount': 'case when is_won then amount else 0 end',
        'decided_amount': 'amount',
    }) }}
),

created as (
    {{ sum_by_period('sliced', 'opened_on', {
        'won': 'case when is_won then 1 else 0 end',
        'created': '1',
    }) }}
),

-- a deal joins the open pipeline on the day it was opened and leaves it on the day it was closed
pipeline_moves as (
    select
        dimension,
        dimension_value,
        in_pipeline_from as moved_on,
        1 as open_change
    from sliced
    where not is_closed or closed_on is not null
    union all
    select
        dimension,
        dimension_value,
        greatest(closed_on, in_pipeline_from) as moved_on,
        -1 as open_change
    from sliced
    where is_closed and closed_on is not null
),

open_deals as (
    {{ stock_by_period('pipeline_moves', 'moved_on', {'still_open': 'open_change'}) }}
),

closed_and_open as (
    select
        closed.*,
        closed.decided + open_deals.still_open as all_deals
    from closed
    inner join open_deals
        on
            closed.grain = open_deals.grain
            and closed.period_start = open_deals.period_start
            and closed.dimension = open_deals.dimension
            and closed.dimension_value = open_deals.dimension_value
),

-- of the deals opened in the period, the share won within so many days; open ones are followed as far as they are known
followed_deals as (
    select
        months.grain,
        months.period_start,
        sliced.dimension,
        sliced.dimension_value,
        cast({{ days_between(
            'sliced.opened_on', 'case when sliced.is_closed then sliced.closed_on else ' ~ as_of_date() ~ ' end'
        ) }} as double) as duration,
        case when sliced.is_won then 1 when sliced.is_closed then 2 else 0 end as outcome
    from sliced
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced.opened_on') }} as date) = months.month_start
    where
        not sliced.is_closed
        or sliced.closed_on >= sliced.opened_on
),

curves as (
    {{ cumulative_incidence('followed_deals', ['grain', 'period_start', 'dimension', 'dimension_value']) }}
),

matured as (
    select
        grain,
        period_start,
        dimension,
        dimension_value,
        max(case when duration <= {{ matured_days }} then cumulative_incidence else 0 end) as won_share,
        -- known as far as the horizon, or everyone decided before it
        max(followed_to) >= {{ matured_days }} or min(survival) < 1e-200 as is_matured
    from curves
    group by grain, period_start, dimension, dimension_value
),

cohorts as (
    select
        created.*,
        case when matured.is_matured then matured.won_share end as matured_share,
        case
            when created.created = 0 then 'no_denominator'
            when not coalesce(matured.is_matured, false) then 'insufficient_history'
        end as matured_null_reason
    from created
    left join matured
        on
            created.grain = matured.grain
            and created.period_start = matured.period_start
            and created.dimension = matured.dimension
            and created.dimension_value = matured.dimension_value
)

{{ kpi_rows('closed', 'default', 'won', 'decided', interval='wilson') }}
union all
{{ kpi_rows('closed', 'amount_weighted', 'won_amount', 'decided_amount', n='decided') }}
union all
{{ kpi_rows('created', 'created_cohort', 'won', 'created', interval='wilson') }}
union all
{{ kpi_rows(
    'cohorts', 'matured_cohort', value='matured_share', n='created', null_reason='matured_null_reason'
) }}
union all
{{ kpi_rows('closed_and_open', 'including_open', 'won', 'all_deals', interval='wilson') }}

{%- endcall %}
