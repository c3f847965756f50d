-- Annual recurring revenue: what is the recurring revenue in force at the end of the period worth a year?
-- Grain: variant, grain, period_start, dimension, dimension_value. The sum of the ledger up to the last day of the period.
-- Foreign currency at the plan rate of the fiscal year, else at the spot rate of the day.
-- Left out: trials, metered, one-off, services, paused, unpaid and canceled items.

{% call kpi_mart(inputs=['subscription_periods'], variants={'default': 'currency'}) -%}

with

changes as (
    select
        changes.changed_on,
        changes.product,
        changes.plan,
        accounts.segment,
        accounts.region,
        changes.change_amount + changes.currency_amount as amount,
        case
            when changes.after_original > 0 and changes.after_original = changes.change_original then 1
            when changes.after_original = 0 and changes.change_original < 0 then -1
            else 0
        end as item_change
    from {{ ref('recurring_revenue_changes') }} as changes
    left join {{ ref('accounts') }} as accounts
        on changes.account_id = accounts.account_id
),

sliced as (
    {{ slice_by('changes', ['segment', 'region', 'product', 'plan'], ['changed_on', 'amount', 'item_change']) }}
),

measured as (
    {{ stock_by_period('sliced', 'changed_on', {'amount': 'amount', 'items': 'item_change'}) }}
)

{{ kpi_rows('measured', 'default', 'amount', value='amount', n='items', unit='currency') }}

{%- endcall %}
