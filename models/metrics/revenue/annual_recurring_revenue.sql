-- Annual recurring revenue: what is the recurring revenue in force at the end of the period worth a year?
-- Grain: variant, grain, period_start, dimension, dimension_value. The sum of the ledger up to the last day of the period.
-- Foreign currency at the plan rate of the fiscal year, else at the spot rate of the day.
-- Left out: trials, metered, one-off, services, paused, unpaid and canceled items.

{% call kpi_mart(inputs=['subscription_periods'], variants={'default': 'currency', 'committed': 'currency', 'spot_currency': 'currency'}) -%}

with

changes as (
    select
        changes.changed_on,
        changes.currency_code,
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
),

-- the same items, foreign currency at the spot rate of the last day
item_states as (
    select
        changes.*,
        coalesce(
            lead(changes.changed_on) over (
                partition by
                    changes.source_system, changes.account_id, changes.subscription_id, changes.product, changes.plan,
                    changes.currency_code
                order by changes.changed_on
            ), cast('9999-12-31' as date)
        ) as next_changed_on
    from {{ ref('recurring_revenue_changes') }} as changes
),

states_at_end as (
    select
        days.last_day,
        item_states.product,
        item_states.plan,
        accounts.segment,
        accounts.region,
        case
            when item_states.after_original = 0 then {{ money('0') }}
            else {{ money('item_states.after_original * rates.rate') }}
        end as amount
    from (select distinct last_day from {{ ref('reporting_periods') }}) as days
    inner join item_states
        on
            days.last_day >= item_states.changed_on
            and days.last_day < item_states.next_changed_on
    left join {{ ref('currency_rates') }} as rates
        on
            rates.kind = 'spot'
            and item_states.currency_code = rates.currency_code
            and days.last_day >= rates.valid_from
            and days.last_day < rates.valid_to
    left join {{ ref('accounts') }} as accounts
        on item_states.account_id = accounts.account_id
),

sliced_states as (
    {{ slice_by('states_at_end', ['segment', 'region', 'product', 'plan'], ['last_day', 'amount']) }}
),

spot_amounts as (
    select
        last_day,
        dimension,
        dimension_value,
        {{ money('sum(amount)') }} as spot_amount,
        count(case when amount > 0 then 1 end) as items
    from sliced_states
    group by last_day, dimension, dimension_value
),

spot_measured as (
    select
        spine.grain,
        spine.period_start,
        spine.period_end,
        spine.dimension,
        spine.dimension_value,
        {{ money('coalesce(spot_amounts.spot_amount, 0)') }} as amount,
        coalesce(spot_amounts.items, 0) as items
    from (
        {{ period_spine('sliced') }}
    ) as spine
    left join spot_amounts
        on
            spine.last_day = spot_amounts.last_day
            and spine.dimension = spot_amounts.dimension
            and spine.dimension_value = spot_amounts.dimension_value
),

-- signed and not started, less what is known not to renew; known for the as-of day only
commitments as (
    select
        contracts.segment,
        contracts.region,
        case
            when contracts.signed_on <= {{ as_of_date() }} and contracts.term_starts_on > {{ as_of_date() }}
                then contracts.annual_recurring_amount - coalesce(renewed.annual_recurring_amount, 0)
            when
                contracts.term_starts_on <= {{ as_of_date() }}
                and contracts.term_ends_on > {{ as_of_date() }}
                and contracts.status in ('lapsed', 'canceled')
                then -contracts.annual_recurring_amount
        end as amount
    from {{ ref('contracts') }} as contracts
    left join {{ ref('contracts') }} as renewed
        on contracts.renews_contract_id = renewed.contract_id
    where contracts.annual_recurring_amount >= 0
),

sliced_commitments as (
    {{ slice_by('commitments', ['segment', 'region'], ['amount']) }}
),

commitment_sums as (
    select
        dimension,
        dimension_value,
        {{ money('sum(coalesce(amount, 0))') }} as amount,
        count(amount) as contracts
    from sliced_commitments
    group by dimension, dimension_value
),

-- a slice may have contracts and no recurring revenue yet
committable as (
    select
        dimension,
        dimension_value
    from sliced
    union distinct
    select
        dimension,
        dimension_value
    from commitment_sums
),

committed as (
    select
        spine.grain,
        spine.period_start,
        spine.period_end,
        spine.dimension,
        spine.dimension_value,
        case
            when spine.last_day = {{ as_of_date() }}
                then {{ money('coalesce(measured.amount, 0) + coalesce(commitment_sums.amount, 0)') }}
        end as committed_amount,
        coalesce(measured.items, 0) + coalesce(commitment_sums.contracts, 0) as committed_items
    from (
        {{ period_spine('committable') }}
    ) as spine
    left join measured
        on
            spine.grain = measured.grain
            and spine.period_start = measured.period_start
            and spine.period_end = measured.period_end
            and spine.dimension = measured.dimension
            and spine.dimension_value = measured.dimension_value
    left join commitment_sums
        on
            spine.dimension = commitment_sums.dimension
            and spine.dimension_value = commitment_sums.dimension_value
)

{{ kpi_rows('measured', 'default', 'amount', value='amount', n='items', unit='currency') }}
union all
{{ kpi_rows('spot_measured', 'spot_currency', 'amount', value='amount', n='items', unit='currency') }}
union all
{%- if 'contracts' in var('missing_entities') %}
{{ kpi_rows(
    'measured', 'committed', value='cast(null as double)', n='0', unit='currency', null_reason="'missing_input:contracts'",
    only="grain = 'all_time' and dimension = 'all'"
) }}
{%- else %}
{{ kpi_rows(
    'committed', 'committed', 'committed_amount', value='committed_amount', n='committed_items', unit='currency',
    null_reason="case when committed_amount is null then 'insufficient_history' end",
    only="dimension in ('all', 'segment', 'region')"
) }}
{%- endif %}

{%- endcall %}
