-- Renewals: which share of the recurring amount that fell due was renewed?
-- Grain: variant, grain, period_start, dimension, dimension_value. By due day. Renewed if a successor was signed by 90 days
-- after the due day; what is renewed is capped at the base. undecided_amount and undecided_count stand beside the rate.
-- Left out: month-to-month contracts, contracts not yet due, and undecided ones: due, without successor, not given up, grace
-- not over.

{% call kpi_mart(
    inputs=['contracts'],
    variants={
        'default': 'ratio', 'logo': 'ratio', 'net': 'ratio', 'on_time': 'ratio', 'early': 'ratio', 'late': 'ratio',
    }
) -%}

with

due_contracts as (
    select
        contract_id,
        account_id,
        term_ends_on as due_on,
        {{ date_add('day', 90, 'term_ends_on') }} as grace_ends_on,
        annual_recurring_amount as base_amount,
        annual_recurring_amount_original as base_original,
        status,
        segment,
        region
    from {{ ref('contracts') }}
    where term_ends_on <= {{ as_of_date() }} and annual_recurring_amount > 0
),

successors as (
    select
        due_contracts.contract_id,
        due_contracts.due_on,
        -- at the rate of the base, so that a change of rate is no uplift
        case
            when successors.annual_recurring_amount_original = 0 then {{ money('0') }}
            when successors.currency_code = bases.currency_code
                then {{ money('successors.annual_recurring_amount_original * rates.rate') }}
            else successors.annual_recurring_amount
        end as amount,
        coalesce(successors.signed_on, successors.term_starts_on) as signed_on
    from due_contracts
    inner join {{ ref('contracts') }} as bases
        on due_contracts.contract_id = bases.contract_id
    inner join {{ ref('contracts') }} as successors
        on due_contracts.contract_id = successors.renews_contract_id
    left join {{ ref('currency_rates') }} as rates
        on
            rates.kind = 'recurring'
            and bases.currency_code = rates.currency_code
            and due_contracts.due_on >= rates.valid_from
            and due_contracts.due_on < rates.valid_to
    where
        coalesce(successors.signed_on, successors.term_starts_on) <= due_contracts.grace_ends_on
        and coalesce(successors.signed_on, successors.term_starts_on) <= {{ as_of_date() }}
        -- signed and not yet started is pending, and a renewal
        and (successors.signed_on is not null or coalesce(successors.status, 'active') <> 'pending')
        and successors.annual_recurring_amount_original >= 0
),

renewed as (
    select
        contract_id,
        {{ money('sum(amount)') }} as new_amount,
        {{ money('sum(case when signed_on <= due_on then amount else 0 end)') }} as on_time_amount,
        {{ money('sum(case when signed_on < ' ~ date_add('day', -30, 'due_on') ~ ' then amount else 0 end)') }} as early_amount
    from successors
    group by contract_id
),

outcomes as (
    select
        due_contracts.contract_id,
        due_contracts.account_id,
        due_contracts.due_on,
        due_contracts.segment,
        due_contracts.region,
        due_contracts.base_amount,
        renewed.contract_id is not null as is_renewed,
        renewed.contract_id is null
        and coalesce(due_contracts.status, 'active') not in ('lapsed', 'canceled')
        -- the as-of day counts in full: on the last day of the grace it is over
        and due_contracts.grace_ends_on > {{ as_of_date() }} as is_undecided,
        {{ money('coalesce(renewed.new_amount, 0)') }} as new_amount,
        least(due_contracts.base_amount, {{ money('coalesce(renewed.new_amount, 0)') }}) as renewed_amount,
        least(due_contracts.base_amount, {{ money('coalesce(renewed.on_time_amount, 0)') }}) as on_time_amount,
        least(due_contracts.base_amount, {{ money('coalesce(renewed.early_amount, 0)') }}) as early_amount
    from due_contracts
    left join renewed
        on due_contracts.contract_id = renewed.contract_id
),

sliced as (
    {{ slice_by('outcomes', ['segment', 'region'], [
        'account_id', 'due_on', 'base_amount', 'is_renewed', 'is_undecided', 'new_amount', 'renewed_amount',
        'on_time_amount', 'early_amount',
    ]) }}
),

summed as (
    {{ sum_by_period('sliced', 'due_on', {
        'decided_count': 'case when is_undecided then 0 else 1 end',
        'undecided_count': 'case when is_undecided then 1 else 0 end',
        'undecided_amount': 'case when is_undecided then base_amount else 0 end',
        'base_amount': 'case when is_undecided then 0 else base_amount end',
        'renewed_amount': 'renewed_amount',
        'new_amount': 'new_amount',
        'on_time_amount': 'on_time_amount',
        'early_amount': 'early_amount',
    }) }}
),

customers as (
    select
        months.grain,
        months.period_start,
        sliced.dimension,
        sliced.dimension_value,
        count(distinct sliced.account_id) as due_customers,
        count(distinct case when sliced.is_renewed then sliced.account_id end) as renewed_customers
    from sliced
    inner join {{ ref('reporting_months') }} as months
        on cast({{ dbt.date_trunc('month', 'sliced.due_on') }} as date) = months.month_start
    where not sliced.is_undecided
    group by months.grain, months.period_start, sliced.dimension, sliced.dimension_value
),

measured as (
    select
        summed.*,
        summed.renewed_amount - summed.on_time_amount as late_amount,
        coalesce(customers.due_customers, 0) as due_customers,
        coalesce(customers.renewed_customers, 0) as renewed_customers
    from summed
    left join customers
        on
            summed.grain = customers.grain
            and summed.period_start = customers.period_start
            and summed.dimension = customers.dimension
            and summed.dimension_value = customers.dimension_value
)

{{ kpi_rows('measured', 'default', 'renewed_amount', 'base_amount', n='decided_count') }}
union all
{{ kpi_rows('measured', 'logo', 'renewed_customers', 'due_customers', interval='wilson') }}
union all
{{ kpi_rows('measured', 'net', 'new_amount', 'base_amount', n='decided_count') }}
union all
{{ kpi_rows('measured', 'on_time', 'on_time_amount', 'base_amount', n='decided_count') }}
union all
{{ kpi_rows('measured', 'early', 'early_amount', 'base_amount', n='decided_count') }}
union all
{{ kpi_rows('measured', 'late', 'late_amount', 'base_amount', n='decided_count') }}

{%- endcall %}
