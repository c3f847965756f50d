-- Every lead, and when a person first reached out to it.
-- Grain: lead_id. A response is the first outbound touch made by a human at or after the lead was created.
-- Left out: leads created after the as-of day, deleted leads, leads without a creation time.

with

leads as (
    select
        people.source_system,
        people.source_id,
        people.created_at,
        people.lead_source,
        members.person_id,
        coalesce(people.account_source_id, people.converted_account_source_id) as account_source_id,
        people.owner_source_id
    from {{ ref('entry_people') }} as people
    left join {{ source('identity', 'person_members') }} as members
        on
            people.source_system = members.source_system
            and people.source_id = members.source_id
    where
        people.kind = 'lead'
        and not people.is_deleted
        and people.created_at is not null
        and {{ reporting_date('people.created_at') }} <= {{ as_of_date() }}
),

responses as (
    select
        leads.source_system,
        leads.source_id,
        min(touches.occurred_at) as first_response_at
    from leads
    inner join {{ ref('touches') }} as touches
        on
            leads.person_id = touches.person_id
            and touches.is_human
            and touches.direction = 'outbound'
            and touches.occurred_at >= leads.created_at
    group by leads.source_system, leads.source_id
)

select
    {{ surrogate_key(['leads.source_system', 'leads.source_id']) }} as lead_id,
    leads.source_system,
    leads.source_id,
    leads.person_id,
    leads.created_at,
    {{ reporting_date('leads.created_at') }} as created_on,
    leads.lead_source,
    responses.first_response_at,
    users.name as owner_name,
    users.team,
    accounts.segment,
    accounts.region
from leads
left join responses
    on
        leads.source_system = responses.source_system
        and leads.source_id = responses.source_id
left join {{ ref('users') }} as users
    on
        leads.source_system = users.source_system
        and leads.owner_source_id = users.source_id
left join {{ source('identity', 'account_members') }} as account_members
    on
        leads.source_system = account_members.source_system
        and leads.account_source_id = account_members.source_id
left join {{ ref('accounts') }} as accounts
    on account_members.account_id = accounts.account_id
