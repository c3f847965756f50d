-- Which companies do we know, and what is the best value of each attribute over all silos?
-- Grain: account_id. Each attribute comes from the first record that has it: live before deleted, a system that holds
-- opportunities before others, then the most recently updated.
-- Left out: companies of which every record is deleted.

-- depends_on: {{ ref('stage_rules') }}

with

systems_with_deals as (
    select distinct source_system from {{ ref('entry_opportunities') }}
),

members as (
    select
        members.account_id,
        members.source_system,
        members.source_id,
        accounts.name,
        accounts.website_domain,
        accounts.country_code,
        accounts.region,
        accounts.industry,
        accounts.segment,
        accounts.employee_count,
        accounts.parent_source_id,
        case
            when accounts.owner_source_id is not null
                then {{ surrogate_key(['accounts.source_system', 'accounts.owner_source_id']) }}
        end as owner_id,
        coalesce(accounts.is_deleted, false) as is_deleted,
        row_number() over (
            partition by members.account_id
            order by
                case when coalesce(accounts.is_deleted, false) then 1 else 0 end,
                case when systems_with_deals.source_system is null then 1 else 0 end,
                case when accounts.updated_at is null then 1 else 0 end,
                accounts.updated_at desc,
                members.source_system,
                members.source_id
        ) as preference
    from {{ source('identity', 'account_members') }} as members
    left join {{ ref('entry_accounts') }} as accounts
        on
            members.source_system = accounts.source_system
            and members.source_id = accounts.source_id
    left join systems_with_deals
        on members.source_system = systems_with_deals.source_system
),

{% set attributes = [
    'name', 'website_domain', 'country_code', 'region', 'industry', 'segment', 'employee_count', 'owner_id',
] -%}

preferred as (
    select
        account_id,
        source_system,
        is_deleted,
        preference
        {%- for attribute in attributes %},
        {{ attribute }},
        min(case when {{ attribute }} is not null then preference end) over (partition by account_id)
            as {{ attribute }}_preference
        {%- endfor %}
    from members
),

golden as (
    select
        account_id
        {%- for attribute in attributes %},
        max(case when preference = {{ attribute }}_preference then {{ attribute }} end) as {{ attribute }}
        {%- endfor %},
        {{ ordered_array('case when not is_deleted then source_system end') }} as silos
    from preferred
    group by account_id
    having min(case when is_deleted then 1 else 0 end) = 0
),

customers as (
    select account_id
    from {{ ref('recurring_revenue_history') }}
    where
        is_customer
        and valid_from <= {{ as_of_date() }}
        and valid_to > {{ as_of_date() }}
    {%- if 'subscription_periods' in var('missing_entities') %}
    union distinct
    select members.account_id
    from {{ ref('entry_opportunities') }} as deals
    inner join {{ ref('stage_rules') }} as stage_rules
        on
            deals.source_system = stage_rules.source_system
            and deals.stage = stage_rules.stage
            and coalesce(deals.kind, 'unknown') = stage_rules.kind
    inner join {{ source('identity', 'account_members') }} as members
        on
            deals.source_system = members.source_system
            and deals.account_source_id = members.source_id
    where
        stage_rules.is_won
        and not deals.is_deleted
        and {{ reporting_date('deals.closed_at') }} <= {{ as_of_date() }}
    {%- endif %}
)

select
    golden.account_id,
    golden.name,
    golden.website_domain,
    golden.country_code,
    golden.region,
    golden.industry,
    golden.segment,
    golden.employee_count,
    golden.owner_id,
    customers.account_id is not null as is_customer,
    golden.silos
from golden
left join customers
    on golden.account_id = customers.account_id
