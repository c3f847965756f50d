-- Support requests and how they were handled.
-- Grain: ticket_id. What happened after the as-of day is not known yet.
-- Left out: tickets opened after the as-of day and deleted ones.

select
    {{ surrogate_key(['tickets.source_system', 'tickets.source_id']) }} as ticket_id,
    tickets.source_system,
    tickets.source_id,
    account_members.account_id,
    person_members.person_id,
    case
        when tickets.assignee_source_id is not null
            then {{ surrogate_key(['tickets.source_system', 'tickets.assignee_source_id']) }}
    end as assignee_id,
    tickets.team,
    tickets.priority,
    tickets.status,
    tickets.opened_at,
    {{ reporting_date('tickets.opened_at') }} as opened_on,
    case
        when {{ reporting_date('tickets.first_replied_at') }} <= {{ as_of_date() }} then tickets.first_replied_at
    end as first_replied_at,
    case
        when {{ reporting_date('tickets.solved_at') }} <= {{ as_of_date() }} then tickets.solved_at
    end as solved_at,
    tickets.reopened_count,
    tickets.csat,
    accounts.segment,
    accounts.region
from {{ ref('entry_tickets') }} as tickets
left join {{ source('identity', 'account_members') }} as account_members
    on
        tickets.source_system = account_members.source_system
        and tickets.account_source_id = account_members.source_id
left join {{ source('identity', 'person_members') }} as person_members
    on
        tickets.source_system = person_members.source_system
        and tickets.person_source_id = person_members.source_id
left join {{ ref('accounts') }} as accounts
    on account_members.account_id = accounts.account_id
where
    not tickets.is_deleted
    and {{ reporting_date('tickets.opened_at') }} <= {{ as_of_date() }}
