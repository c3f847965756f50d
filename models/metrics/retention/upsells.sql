-- Upsells: how much expansion came in the period, for each unit of recurring revenue at its start?
-- Grain: variant, grain, period_start, dimension, dimension_value.
-- Left out: new business, reactivations, changes of exchange rates. All time has no start: null.

{% set dimensions = ['segment', 'region', 'product', 'plan'] -%}

{% call kpi_mart(
    inputs=['subscription_periods'],
    variants={
        'default': 'ratio', 'customer_count': 'ratio', 'seats_and_tier': 'ratio', 'cross_sell': 'ratio',
        'price_uplift': 'ratio', 'contractual_escalator': 'ratio',
    }
) -%}

with

revenue_changes as (
    select
        changes.changed_on,
        changes.product,
        changes.plan,
        accounts.segment,
        accounts.region,
        changes.change_amount + changes.currency_amount as amount
    from {{ ref('recurring_revenue_changes') }} as changes
    left join {{ ref('accounts') }} as accounts
        on changes.account_id = accounts.account_id
),

sliced_changes as (
    {{ slice_by('revenue_changes', dimensions, ['changed_on', 'amount']) }}
),

revenue_at_end as (
    {{ stock_by_period('sliced_changes', 'changed_on', {'amount': 'amount'}) }}
),

revenue_in_period as (
    {{ sum_by_period('sliced_changes', 'changed_on', {'amount': 'amount'}) }}
),

expansions as (
    select
        account_id,
        occurred_on,
        reason,
        amount,
        segment,
        region,
        product,
        plan
    from {{ ref('arr_movements') }}
    where movement = 'expansion'
),

-- every slice of the revenue is a slice here, expanding or not
sliced as (
    {{ slice_by('expansions', dimensions, ['account_id', 'occurred_on', 'reason', 'amount']) }}
    union all
    select distinct
        dimension,
        dimension_value,
        cast(null as {{ dbt.type_string() }}) as account_id,
        cast(null as date) as occurred_on,
        cast(null as {{ dbt.type_string() }}) as reason,
        {{ money('0') }} as amount
    from sliced_changes
),

expanded as (
    {{ sum_by_period('sliced', 'occurred_on', {
        'expansion': 'amount',
        'movements': '1',
        'seats_and_tier': "case when reason in ('seats', 'tier') then amount else 0 end",
        'cross_sell': "case when reason = 'cross_sell' then amount else 0 end",
        'price_uplift': "case when reason = 'price_uplift' then amount else 0 end",
        'contractual_escalator': "case when reason = 'contractual_escalator' then amount else 0 end",
    }) }}
),

expanded_customers as (
    select
        months.grain,
        months.period_start,
        sliced.dimension,
        sliced.dimension_value,
        count(distinct sliced.account_id) as customers
    from sliced
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced.occurred_on') }} as date) = months.month_start
    group by months.grain, months.period_start, sliced.dimension, sliced.dimension_value
),

sliced_customers as (
    {{ slice_by(ref('customer_endpoints'), ['segment', 'region'], ['grain', 'period_start']) }}
),

customers_at_start as (
    select
        grain,
        period_start,
        dimension,
        dimension_value,
        count(*) as customers
    from sliced_customers
    group by grain, period_start, dimension, dimension_value
),

measured as (
    select
        expanded.*,
        case
            when expanded.grain <> 'all_time' then revenue_at_end.amount - revenue_in_period.amount else 0
        end as start_amount,
        coalesce(expanded_customers.customers, 0) as expanded_customers,
        coalesce(customers_at_start.customers, 0) as start_customers
    from expanded
    inner join revenue_at_end
        on
            expanded.grain = revenue_at_end.grain
            and expanded.period_start = revenue_at_end.period_start
            and expanded.dimension = revenue_at_end.dimension
            and expanded.dimension_value = revenue_at_end.dimension_value
    inner join revenue_in_period
        on
            expanded.grain = revenue_in_period.grain
            and expanded.period_start = revenue_in_period.period_start
            and expanded.dimension = revenue_in_period.dimension
            and expanded.dimension_value = revenue_in_period.dimension_value
    left join expanded_customers
        on
            expanded.grain = expanded_customers.grain
            and expanded.period_start = expanded_customers.period_start
            and expanded.dimension = expanded_customers.dimension
            and expanded.dimension_value = expanded_customers.dimension_value
    left join customers_at_start
        on
            expanded.grain = customers_at_start.grain
            and expanded.period_start = customers_at_start.period_start
            and expanded.dimension = customers_at_start.dimension
            and expanded.dimension_value = customers_at_start.dimension_value
)

{{ kpi_rows('measured', 'default', 'expansion', 'start_amount', n='movements') }}
union all
{{ kpi_rows(
    'measured', 'customer_count', 'expanded_customers', 'start_customers',
    only="dimension in ('all', 'segment', 'region')"
) }}
{%- for reasons in ['seats_and_tier', 'cross_sell', 'price_uplift', 'contractual_escalator'] %}
union all
{{ kpi_rows('measured', reasons, reasons, 'start_amount', n='movements') }}
{%- endfor %}

{%- endcall %}
