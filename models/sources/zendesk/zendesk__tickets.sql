-- Tickets of Zendesk.
-- Grain: source_system, source_id. Deleted tickets are kept and flagged. Left out: tickets without a time of opening.

select
    tickets.source_system,
    tickets.id as source_id,
    tickets.created_at,
    tickets.updated_at,
    coalesce(tickets.is_deleted, false) or tickets.is_gone as is_deleted,
    tickets.custom,
    tickets.organization_id as account_source_id,
    tickets.requester_id as person_source_id,
    tickets.assignee_id as assignee_source_id,
    teams.name as team,
    tickets.priority,
    tickets.status,
    tickets.created_at as opened_at,
    tickets.first_replied_at,
    tickets.solved_at,
    tickets.reopens as reopened_count,
    case
        when tickets.satisfaction_rating_score like 'good%' then cast(1 as double)
        when tickets.satisfaction_rating_score like 'bad%' then cast(0 as double)
    end as csat
from {{ vendor_records('zendesk', 'ticket') }} as tickets
left join {{ vendor_records('zendesk', 'group') }} as teams
    on
        tickets.source_system = teams.source_system
        and tickets.group_id = teams.id
where tickets.created_at is not null
