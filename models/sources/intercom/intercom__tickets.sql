-- Conversations and tickets of Intercom as tickets.
-- Grain: source_system, source_id, which says which of the two it is. Deleted ones are kept and flagged. The account is the first
-- company of who asked. Left out: conversations that an admin began and nobody answered, which ask for nothing.

with

requests as (
    select
        source_system,
        'conversation:' || id as source_id,
        created_at,
        updated_at,
        is_gone as is_deleted,
        custom,
        contact_id,
        admin_assignee_id,
        team_assignee_id,
        case when priority = 'priority' then 'high' end as priority,
        state as status,
        created_at as opened_at,
        statistics_first_admin_reply_at as first_replied_at,
        case when state = 'closed' then statistics_last_close_at end as solved_at,
        statistics_count_reopens as reopened_count,
        cast(conversation_rating_rating - 1 as double) / cast(4 as double) as csat
    from {{ vendor_records('intercom', 'conversation') }} as conversations
    where not (coalesce(source_delivered_as, '') in ('admin_initiated', 'campaigns_initiated', 'operator_initiated')
        and statistics_last_contact_reply_at is null)
    union all
    select
        source_system,
        'ticket:' || id as source_id,
        created_at,
        updated_at,
        is_gone as is_deleted,
        custom,
        contact_id,
        admin_assignee_id,
        team_assignee_id,
        cast(null as {{ dbt.type_string() }}) as priority,
        coalesce(ticket_state_category, case when open then 'open' else 'resolved' end) as status,
        created_at as opened_at,
        first_replied_at,
        case when ticket_state_category = 'resolved' then resolved_at end as solved_at,
        reopened_count,
        cast(null as double) as csat
    from {{ vendor_records('intercom', 'ticket') }} as tickets
)

select
    requests.source_system,
    requests.source_id,
    requests.created_at,
    requests.updated_at,
    requests.is_deleted,
    requests.custom,
    contacts.company_id as account_source_id,
    requests.contact_id as person_source_id,
    requests.admin_assignee_id as assignee_source_id,
    teams.name as team,
    requests.priority,
    requests.status,
    requests.opened_at,
    requests.first_replied_at,
    requests.solved_at,
    requests.reopened_count,
    requests.csat
from requests
left join {{ vendor_records('intercom', 'contact') }} as contacts
    on
        requests.source_system = contacts.source_system
        and requests.contact_id = contacts.id
left join {{ vendor_records('intercom', 'team') }} as teams
    on
        requests.source_system = teams.source_system
        and requests.team_assignee_id = teams.id
where requests.opened_at is not null
