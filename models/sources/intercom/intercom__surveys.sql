-- Ratings of conversations of Intercom as answers to a survey.
-- Grain: source_system, source_id, which is that of the conversation. Left out: conversations that nobody rated.

select
    conversations.source_system,
    'conversation:' || conversations.id as source_id,
    conversations.conversation_rating_created_at as created_at,
    conversations.updated_at,
    conversations.is_gone as is_deleted,
    cast(null as {{ dbt.type_string() }}) as custom,
    contacts.company_id as account_source_id,
    conversations.contact_id as person_source_id,
    'csat' as kind,
    conversations.conversation_rating_created_at as answered_at,
    cast(conversations.conversation_rating_rating - 1 as double) / cast(4 as double) as score,
    conversations.conversation_rating_remark as comment
from {{ vendor_records('intercom', 'conversation') }} as conversations
left join {{ vendor_records('intercom', 'contact') }} as contacts
    on
        conversations.source_system = contacts.source_system
        and conversations.contact_id = contacts.id
where
    conversations.conversation_rating_rating is not null
    and conversations.conversation_rating_created_at is not null
