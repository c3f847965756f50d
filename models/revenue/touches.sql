-- Every contact with a person or account, by whom, through which channel.
-- Grain: touch_id.
-- Left out: touches after the as-of day and deleted ones.

with

channels as (
    select
        lower(trim(source_system)) as source_system,
        lower(trim(channel)) as channel,
        lower(trim(shared_channel)) as shared_channel
    from {{ ref('channel_mapping') }}
)

select
    {{ surrogate_key(['touches.source_system', 'touches.source_id']) }} as touch_id,
    touches.source_system,
    touches.source_id,
    touches.occurred_at,
    {{ reporting_date('touches.occurred_at') }} as occurred_on,
    person_members.person_id,
    account_members.account_id,
    case
        when touches.opportunity_source_id is not null
            then {{ surrogate_key(['touches.source_system', 'touches.opportunity_source_id']) }}
    end as opportunity_id,
    case
        when touches.campaign_source_id is not null
            then {{ surrogate_key(['touches.source_system', 'touches.campaign_source_id']) }}
    end as campaign_id,
    coalesce(own_channel.shared_channel, any_channel.shared_channel, lower(trim(touches.channel))) as channel,
    touches.kind,
    touches.direction,
    case
        when touches.actor_source_id is not null
            then {{ surrogate_key(['touches.source_system', 'touches.actor_source_id']) }}
    end as actor_id,
    touches.is_human
from {{ ref('entry_touches') }} as touches
left join {{ source('identity', 'person_members') }} as person_members
    on
        touches.source_system = person_members.source_system
        and touches.person_source_id = person_members.source_id
left join {{ source('identity', 'account_members') }} as account_members
    on
        touches.source_system = account_members.source_system
        and touches.account_source_id = account_members.source_id
left join channels as own_channel
    on
        touches.source_system = own_channel.source_system
        and lower(trim(touches.channel)) = own_channel.channel
left join channels as any_channel
    on
        coalesce(any_channel.source_system, '') = ''
        and lower(trim(touches.channel)) = any_channel.channel
where
    not touches.is_deleted
    and {{ reporting_date('touches.occurred_at') }} <= {{ as_of_date() }}
