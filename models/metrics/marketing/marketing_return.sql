-- Marketing return: how much won amount comes back per unit of marketing spend, by channel?
-- Grain: variant, grain, period_start, dimension, dimension_value. Won amount credited to the channel in the period ÷ marketing
-- spend on the channel in the same period; one variant per attribution model, default linear.
-- Left out: spend of other departments; deals won on an unknown day.

{% set models = [
    'first', 'last', 'linear', 'time_decay', 'u_shaped', 'w_shaped', 'full_path', 'markov', 'shapley',
] -%}
{% set units = {'default': 'ratio'} -%}
{% for model in models %}{% do units.update({model: 'ratio'}) %}{% endfor -%}

{% call kpi_mart(inputs=['opportunities', 'touches', 'spend'], variants=units) -%}

with

events as (
    select
        cast('all' as {{ dbt.type_string() }}) as dimension,
        cast('all' as {{ dbt.type_string() }}) as dimension_value,
        model,
        closed_on as happened_on,
        count(distinct opportunity_id) as deals,
        sum(credited_amount) as amount,
        {{ money('0') }} as spend
    from {{ ref('attribution') }}
    group by model, closed_on
    union all
    select
        'channel' as dimension,
        channel as dimension_value,
        model,
        closed_on as happened_on,
        count(distinct opportunity_id) as deals,
        sum(credited_amount) as amount,
        0 as spend
    from {{ ref('attribution') }}
    group by channel, model, closed_on
    union all
    select
        'all' as dimension,
        'all' as dimension_value,
        null as model,
        day as happened_on,
        0 as deals,
        0 as amount,
        amount as spend
    from {{ ref('spend_daily') }}
    where coalesce(department, 'marketing') = 'marketing'
    union all
    select
        'channel' as dimension,
        coalesce(channel, 'unknown') as dimension_value,
        null as model,
        day as happened_on,
        0 as deals,
        0 as amount,
        amount as spend
    from {{ ref('spend_daily') }}
    where coalesce(department, 'marketing') = 'marketing'
),

{% set measures = {'spend': 'spend'} -%}
{%- for model in models -%}
    {%- do measures.update({
        model ~ '_amount': "case when model = '" ~ model ~ "' then amount else 0 end",
        model ~ '_deals': "case when model = '" ~ model ~ "' then deals else 0 end",
    }) -%}
{%- endfor -%}

summed as (
    {{ sum_by_period('events', 'happened_on', measures) }}
)

{{ kpi_rows('summed', 'default', 'linear_amount', 'spend', n='linear_deals') }}
{%- for model in models %}
union all
{{ kpi_rows('summed', model, model ~ '_amount', 'spend', n=model ~ '_deals') }}
{%- endfor %}

{%- endcall %}
