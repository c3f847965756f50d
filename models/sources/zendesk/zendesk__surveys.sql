-- Satisfaction ratings of Zendesk as answers to surveys: good is the whole scale, bad none of it.
-- Grain: source_system, source_id. Left out: ratings that were offered and not given.

select
    ratings.source_system,
    ratings.id as source_id,
    ratings.created_at,
    ratings.updated_at,
    ratings.is_gone as is_deleted,
    ratings.custom,
    coalesce(tickets.organization_id, people.organization_id) as account_source_id,
    ratings.requester_id as person_source_id,
    'csat' as kind,
    coalesce(ratings.updated_at, ratings.created_at) as answered_at,
    case when ratings.score like 'good%' then cast(1 as double) else cast(0 as double) end as score,
    ratings.comment
from {{ vendor_records('zendesk', 'satisfaction_rating') }} as ratings
left join {{ vendor_records('zendesk', 'ticket') }} as tickets
    on
        ratings.source_system = tickets.source_system
        and ratings.ticket_id = tickets.id
left join {{ vendor_records('zendesk', 'user') }} as people
    on
        ratings.source_system = people.source_system
        and ratings.requester_id = people.id
where
    (ratings.score like 'good%' or ratings.score like 'bad%')
    and coalesce(ratings.updated_at, ratings.created_at) is not null
