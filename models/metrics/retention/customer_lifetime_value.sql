-- Customer lifetime value: what margin is a customer expected to bring?
-- Grain: variant, grain, period_start, dimension, dimension_value. Default: margin of the coming years, discounted, by the
-- retention curve fitted to all customers known at the end of the period. simple: revenue per customer in the period × margin ÷
-- churn of the period. non_contractual: discounted value of the purchases to come of customers that buy without a contract. The
-- interval is what the fit of the curve leaves open; of non_contractual, the spread over customers.
-- Left out: slices with too few customers, losses or repeated purchases to fit (insufficient_history); periods without a loss
-- (simple).

-- depends_on: {{ ref('opportunities') }}

{% set dimensions = ['segment', 'region'] -%}

select *
from (
{% call kpi_mart(
    inputs=['subscription_periods'], variants={'default': 'currency', 'simple': 'currency', 'historical': 'currency'}
) -%}

with

customer_changes as (
    select
        history.valid_from as changed_on,
        accounts.segment,
        accounts.region,
        history.change_amount + history.currency_amount as amount,
        case
            when history.is_customer and not history.was_customer then 1
            when history.was_customer and not history.is_customer then -1
            else 0
        end as customer_change
    from {{ ref('recurring_revenue_history') }} as history
    left join {{ ref('accounts') }} as accounts
        on history.account_id = accounts.account_id
),

sliced as (
    {{ slice_by('customer_changes', dimensions, ['changed_on', 'amount', 'customer_change']) }}
),

at_end as (
    {{ stock_by_period('sliced', 'changed_on', {'amount': 'amount', 'customers': 'customer_change'}) }}
),

sliced_endpoints as (
    {{ slice_by(ref('customer_endpoints'), dimensions, ['grain', 'period_start', 'is_customer_at_end']) }}
),

churned as (
    select
        grain,
        period_start,
        dimension,
        dimension_value,
        count(*) as start_customers,
        count(case when not is_customer_at_end then 1 end) as lost
    from sliced_endpoints
    group by grain, period_start, dimension, dimension_value
),

measured as (
    select
        at_end.*,
        {{ policy_value('customer_lifetime_value', 'gross_margin', '1') }} as gross_margin,
        case at_end.grain
            when 'month' then 12
            when 'quarter' then 4
            when 'year' then 1
            when 'trailing_12_months' then 1
        end as periods_per_year,
        churned.start_customers,
        churned.lost,
        curves.discounted_months,
        curves.discounted_months_low,
        curves.discounted_months_high
    from at_end
    inner join {{ ref('reporting_periods') }} as periods
        on
            at_end.grain = periods.grain
            and at_end.period_start = periods.period_start
            and at_end.period_end = periods.period_end
    left join churned
        on
            at_end.grain = churned.grain
            and at_end.period_start = churned.period_start
            and at_end.dimension = churned.dimension
            and at_end.dimension_value = churned.dimension_value
    left join {{ source('insight', 'retention_curves') }} as curves
        on
            periods.last_day = curves.known_on
            and at_end.dimension = curves.dimension
            and at_end.dimension_value = curves.dimension_value
),

-- margin earned up to the last day, per customer ever won
earned as (
    select
        days.last_day,
        history.account_id,
        accounts.segment,
        accounts.region,
        {{ money('history.amount * ' ~ days_between(
            'history.valid_from', 'least(history.valid_to, ' ~ date_add('day', 1, 'days.last_day') ~ ')'
        )) }} as amount_days
    from (select distinct last_day from {{ ref('reporting_periods') }}) as days
    inner join {{ ref('recurring_revenue_history') }} as history
        on days.last_day >= history.valid_from
    left join {{ ref('accounts') }} as accounts
        on history.account_id = accounts.account_id
),

sliced_earned as (
    {{ slice_by('earned', dimensions, ['last_day', 'account_id', 'amount_days']) }}
),

earned_by_day as (
    select
        last_day,
        dimension,
        dimension_value,
        sum(amount_days) as amount_days,
        count(distinct account_id) as customers_ever
    from sliced_earned
    group by last_day, dimension, dimension_value
),

historical as (
    select
        at_end.grain,
        at_end.period_start,
        at_end.period_end,
        at_end.dimension,
        at_end.dimension_value,
        cast(coalesce(earned_by_day.amount_days, 0) as double) / 365
        * {{ policy_value('customer_lifetime_value', 'gross_margin', '1') }} as earned_margin,
        coalesce(earned_by_day.customers_ever, 0) as customers_ever
    from at_end
    inner join {{ ref('reporting_periods') }} as periods
        on
            at_end.grain = periods.grain
            and at_end.period_start = periods.period_start
            and at_end.period_end = periods.period_end
    left join earned_by_day
        on
            periods.last_day = earned_by_day.last_day
            and at_end.dimension = earned_by_day.dimension
            and at_end.dimension_value = earned_by_day.dimension_value
),

valued as (
    select
        *,
        cast(amount as double) / 12 * gross_margin * discounted_months as expected_margin,
        {{ safe_divide('cast(amount as double) / 12 * gross_margin * discounted_months_low', 'customers') }} as margin_low,
        {{ safe_divide('cast(amount as double) / 12 * gross_margin * discounted_months_high', 'customers') }} as margin_high,
        cast(amount as double) * gross_margin * start_customers as margin_of_start_customers,
        cast(periods_per_year as double) * customers * lost as lost_basis
    from measured
)

{{ kpi_rows(
    'valued', 'default', 'expected_margin', 'customers', n='customers', unit='currency', low='margin_low', high='margin_high',
    null_reason="case when customers = 0 then 'no_denominator' when discounted_months is null then 'insufficient_history' end"
) }}
union all
{{ kpi_rows('valued', 'simple', 'margin_of_start_customers', 'lost_basis', n='customers', unit='currency') }}
union all
{{ kpi_rows('historical', 'historical', 'earned_margin', 'customers_ever', unit='currency') }}

{%- endcall %}
) as contractual
union all
select *
from (
{% call kpi_mart(inputs=['opportunities'], variants={'non_contractual': 'currency'}) -%}

with

expected as (
    select
        periods.grain,
        periods.period_start,
        periods.period_end,
        slices.dimension,
        slices.dimension_value,
        purchase_values.customers,
        purchase_values.value_per_customer * {{ policy_value('customer_lifetime_value', 'gross_margin', '1') }} as margin,
        purchase_values.value_low * {{ policy_value('customer_lifetime_value', 'gross_margin', '1') }} as margin_low,
        purchase_values.value_high * {{ policy_value('customer_lifetime_value', 'gross_margin', '1') }} as margin_high
    from {{ ref('reporting_periods') }} as periods
    cross join (
        select
            'all' as dimension,
            'all' as dimension_value
        union distinct
        select
            dimension,
            dimension_value
        from {{ source('insight', 'purchase_values') }}
    ) as slices
    left join {{ source('insight', 'purchase_values') }} as purchase_values
        on
            periods.last_day = purchase_values.known_on
            and slices.dimension = purchase_values.dimension
            and slices.dimension_value = purchase_values.dimension_value
),

totals as (
    select
        *,
        margin * customers as margin_of_customers
    from expected
)

{{ kpi_rows(
    'totals', 'non_contractual', 'margin_of_customers', 'customers', n='coalesce(customers, 0)', unit='currency',
    low='margin_low', high='margin_high', null_reason="case when customers is null then 'insufficient_history' end"
) }}

{%- endcall %}
) as non_contractual
