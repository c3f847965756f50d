-- What does each silo know of the live accounts and people, what should it know and does not, and what hangs on it?
-- Grain: source_system, entity, finding. Findings: known, should_know, missing, duplicated (more than one live record in the
-- silo) and conflicting_<column> (another value than the one all silos together give). The silos' duties are those of the
-- silo index; a silo that holds people should know those of the accounts it should know.
-- Left out: deleted records, and findings that concern nobody.

{%- set compared = {
    'accounts': {'key': 'account_id', 'columns': ['country_code', 'region', 'industry', 'segment', 'employee_count']},
    'people': {'key': 'person_id', 'columns': ['email', 'title']},
} %}

with

{{ silo_duties() }},

{% for entity, about in compared.items() %}
{{ entity }}_held as (
    select
        golden.{{ about.key }} as entity_id,
        records.source_system,
        count(*) as records
        {%- for column in about['columns'] %},
        count(case
            when lower(trim(cast(records.{{ column }} as {{ dbt.type_string() }})))
                <> lower(trim(cast(golden.{{ column }} as {{ dbt.type_string() }})))
                then 1
        end) as other_{{ column }}
        {%- endfor %}
    from {{ ref(entity) }} as golden
    inner join {{ source('identity', 'account_members' if entity == 'accounts' else 'person_members') }} as members
        on golden.{{ about.key }} = members.{{ about.key }}
    inner join {{ ref('entry_' ~ entity) }} as records
        on
            members.source_system = records.source_system
            and members.source_id = records.source_id
    where not records.is_deleted
    group by golden.{{ about.key }}, records.source_system
),

{% endfor -%}
accounts_due as (
    select distinct
        accounts.account_id as entity_id,
        silos.source_system
    from {{ ref('accounts') }} as accounts
    cross join silos
    left join buyers
        on accounts.account_id = buyers.account_id
    where
        silos.should_know = 'everyone'
        or (silos.should_know = 'customers' and accounts.is_customer)
        or (silos.should_know = 'buyers' and buyers.account_id is not null)
),

people_due as (
    select
        people.person_id as entity_id,
        accounts_due.source_system
    from {{ ref('people') }} as people
    inner join accounts_due
        on people.account_id = accounts_due.entity_id
    inner join (select distinct source_system from people_held) as knowing
        on accounts_due.source_system = knowing.source_system
),

concerned as (
    {%- for entity, about in compared.items() %}
    select source_system, '{{ entity }}' as entity, 'known' as finding, entity_id, records
    from {{ entity }}_held
    union all
    select source_system, '{{ entity }}' as entity, 'duplicated' as finding, entity_id, records - 1 as records
    from {{ entity }}_held
    where records > 1
    union all
    {%- for column in about['columns'] %}
    select source_system, '{{ entity }}' as entity, 'conflicting_{{ column }}' as finding, entity_id, other_{{ column }} as records
    from {{ entity }}_held
    where other_{{ column }} > 0
    union all
    {%- endfor %}
    select source_system, '{{ entity }}' as entity, 'should_know' as finding, entity_id, 1 as records
    from {{ entity }}_due
    union all
    select due.source_system, '{{ entity }}' as entity, 'missing' as finding, due.entity_id, 1 as records
    from {{ entity }}_due as due
    left join {{ entity }}_held as held
        on
            due.entity_id = held.entity_id
            and due.source_system = held.source_system
    where held.entity_id is null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

pipeline as (
    select 'accounts' as entity, account_id as entity_id, sum(amount) as amount
    from {{ ref('opportunities') }}
    where not is_closed and account_id is not null
    group by account_id
    union all
    select 'people' as entity, person_id as entity_id, sum(amount) as amount
    from {{ ref('opportunities') }}
    where not is_closed and person_id is not null
    group by person_id
)

select
    concerned.source_system,
    concerned.entity,
    concerned.finding,
    cast(count(*) as bigint) as entities,
    cast(sum(concerned.records) as bigint) as records,
    cast(coalesce(sum(pipeline.amount), 0) as decimal(38, 6)) as pipeline_amount,
    {{ as_of_date() }} as as_of
from concerned
left join pipeline
    on
        concerned.entity = pipeline.entity
        and concerned.entity_id = pipeline.entity_id
group by concerned.source_system, concerned.entity, concerned.finding
