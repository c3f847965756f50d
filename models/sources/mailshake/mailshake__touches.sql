-- Which e-mails did Mailshake send, and what did their recipients do?
-- Grain: source_system, source_id.
-- Left out: openings and clicks after the first of the same recipient, and notes that an e-mail is late.

with

touches as (
    select
        sent.source_system,
        'sent_message:' || sent.id as source_id,
        sent.is_gone as is_deleted,
        sent.custom,
        sent.action_date as occurred_at,
        sent.recipient_id as person_source_id,
        sent.recipient_email_address as email,
        sent.campaign_id as campaign_source_id,
        'email_sent' as kind,
        'outbound' as direction,
        sent.from_address,
        coalesce(sent.type, '') = 'one-off' as is_human
    from {{ vendor_records('mailshake', 'sent_message') }} as sent
    union all
    select
        opens.source_system,
        'open:' || opens.id as source_id,
        opens.is_gone as is_deleted,
        opens.custom,
        opens.action_date as occurred_at,
        opens.recipient_id as person_source_id,
        opens.recipient_email_address as email,
        opens.campaign_id as campaign_source_id,
        'email_opened' as kind,
        'inbound' as direction,
        cast(null as {{ dbt.type_string() }}) as from_address,
        true as is_human
    from {{ vendor_records('mailshake', 'open') }} as opens
    where not coalesce(opens.is_duplicate, false)
    union all
    select
        clicks.source_system,
        'click:' || clicks.id as source_id,
        clicks.is_gone as is_deleted,
        clicks.custom,
        clicks.action_date as occurred_at,
        clicks.recipient_id as person_source_id,
        clicks.recipient_email_address as email,
        clicks.campaign_id as campaign_source_id,
        'email_clicked' as kind,
        'inbound' as direction,
        cast(null as {{ dbt.type_string() }}) as from_address,
        true as is_human
    from {{ vendor_records('mailshake', 'click') }} as clicks
    where not coalesce(clicks.is_duplicate, false)
    union all
    select
        replies.source_system,
        'reply:' || replies.id as source_id,
        replies.is_gone as is_deleted,
        replies.custom,
        replies.action_date as occurred_at,
        replies.recipient_id as person_source_id,
        replies.recipient_email_address as email,
        replies.campaign_id as campaign_source_id,
        case replies.type
            when 'bounce' then 'bounce'
            when 'unsubscribe' then 'unsubscribe'
            when 'out-of-office' then 'out_of_office'
            else 'email_replied'
        end as kind,
        case when replies.type = 'bounce' then 'outbound' else 'inbound' end as direction,
        cast(null as {{ dbt.type_string() }}) as from_address,
        coalesce(replies.type, 'reply') in ('reply', 'unsubscribe') as is_human
    from {{ vendor_records('mailshake', 'reply') }} as replies
    where coalesce(replies.type, '') <> 'delay-notification'
),

members as (
    select
        source_system,
        lower(trim(email_address)) as email,
        min(id) as user_id
    from {{ vendor_records('mailshake', 'team_member') }} as members
    where not is_gone
    group by source_system, lower(trim(email_address))
)

select
    touches.source_system,
    touches.source_id,
    touches.occurred_at as created_at,
    cast(null as timestamp) as updated_at,
    touches.is_deleted,
    touches.custom,
    touches.occurred_at,
    touches.person_source_id,
    touches.email,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    cast(null as {{ dbt.type_string() }}) as opportunity_source_id,
    touches.campaign_source_id,
    'outbound' as channel,
    cast(touches.kind as {{ dbt.type_string() }}) as kind,
    cast(touches.direction as {{ dbt.type_string() }}) as direction,
    members.user_id as actor_source_id,
    touches.is_human
from touches
left join members
    on
        touches.source_system = members.source_system
        and lower(trim(touches.from_address)) = members.email
where touches.occurred_at is not null
