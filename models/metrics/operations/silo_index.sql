-- Silo index: which share of the live accounts is known to every silo that should know it?
-- Grain: variant, grain, period_start, dimension, dimension_value. The systems with deals should know every account; those with
-- subscriptions and those with tickets every customer; those with campaigns every account with a deal. State of the as-of day.
-- Left out: earlier days, of which it is not known who knew whom.

{% call kpi_mart(inputs=['accounts'], variants={'default': 'ratio'}) -%}

with

{{ silo_duties() }},

known as (
    select distinct
        members.account_id,
        members.source_system
    from {{ source('identity', 'account_members') }} as members
    inner join {{ ref('entry_accounts') }} as accounts
        on
            members.source_system = accounts.source_system
            and members.source_id = accounts.source_id
    where not accounts.is_deleted
),

judged as (
    select
        accounts.account_id,
        accounts.segment,
        accounts.region,
        count(case
            when
                (
                    silos.should_know = 'everyone'
                    or (silos.should_know = 'customers' and accounts.is_customer)
                    or (silos.should_know = 'buyers' and buyers.account_id is not null)
                )
                and known.account_id is null
                then 1
        end) as unknown_to
    from {{ ref('accounts') }} as accounts
    cross join silos
    left join buyers
        on accounts.account_id = buyers.account_id
    left join known
        on
            accounts.account_id = known.account_id
            and silos.source_system = known.source_system
    group by accounts.account_id, accounts.segment, accounts.region
),

sliced as (
    {{ slice_by('judged', ['segment', 'region'], ['unknown_to']) }}
),

counted as (
    select
        dimension,
        dimension_value,
        count(*) as accounts,
        count(case when unknown_to = 0 then 1 end) as known_everywhere
    from sliced
    group by dimension, dimension_value
),

spine as (
    {{ period_spine('counted') }}
),

measured as (
    select
        spine.*,
        counted.accounts,
        counted.known_everywhere
    from spine
    left join counted
        on
            spine.dimension = counted.dimension
            and spine.dimension_value = counted.dimension_value
    where spine.grain = 'all_time'
)

{{ kpi_rows('measured', 'default', 'known_everywhere', 'accounts', interval='wilson') }}

{%- endcall %}
