-- Pipeline created: how much pipeline qualified in the period?
-- Grain: variant, grain, period_start, dimension, dimension_value. A deal counts on the day it first entered a qualified stage
-- (or was won without one), at its amount of that moment and the exchange rate of that day.
-- Left out: deals that never qualified.

{% set dimensions = ['segment', 'region', 'owner', 'team', 'product', 'lead_source', 'direction', 'kind'] -%}

{% call kpi_mart(inputs=['opportunities'], variants={'default': 'currency'}) -%}

with

qualified_states as (
    select
        opportunity_id,
        valid_from,
        amount_original,
        currency_code,
        row_number() over (partition by opportunity_id order by valid_from) as state_number
    from {{ ref('opportunity_history') }}
    where not is_deleted and (is_qualified or is_won)
),

qualified_deals as (
    select
        deals.segment,
        deals.region,
        deals.owner_name as owner,
        deals.team,
        deals.product,
        deals.lead_source,
        deals.direction,
        deals.kind,
        {{ reporting_date('qualified_states.valid_from') }} as qualified_on,
        {{ money('qualified_states.amount_original * currency_rates.rate') }} as amount
    from qualified_states
    inner join {{ ref('opportunities') }} as deals
        on qualified_states.opportunity_id = deals.opportunity_id
    left join {{ ref('currency_rates') }} as currency_rates
        on
            currency_rates.kind = 'spot'
            and qualified_states.currency_code = currency_rates.currency_code
            and {{ reporting_date('qualified_states.valid_from') }} >= currency_rates.valid_from
            and {{ reporting_date('qualified_states.valid_from') }} < currency_rates.valid_to
    where qualified_states.state_number = 1
),

sliced as (
    {{ slice_by('qualified_deals', dimensions, ['qualified_on', 'amount']) }}
),

summed as (
    {{ sum_by_period('sliced', 'qualified_on', {'amount': 'coalesce(amount, 0)', 'deals': '1'}) }}
)

{{ kpi_rows('summed', 'default', 'amount', value='amount', n='deals', unit='currency') }}

{%- endcall %}
