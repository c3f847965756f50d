-- Which calls, e-mails, meetings and responses to campaigns does Salesforce know?
-- Grain: source_system, source_id. Deleted ones are kept and flagged.
-- Left out: tasks that are not done, and members of campaigns that did not respond.

with

tasks as (
    select
        source_system,
        id as source_id,
        created_date as created_at,
        last_modified_date as updated_at,
        coalesce(is_deleted, false) or is_gone as is_deleted,
        custom,
        coalesce(completed_date_time, created_date) as occurred_at,
        who_id as person_source_id,
        account_id as account_source_id,
        case when what_id like '006%' then what_id end as opportunity_source_id,
        cast(null as {{ dbt.type_string() }}) as campaign_source_id,
        cast(null as {{ dbt.type_string() }}) as channel,
        case
            when task_subtype = 'Call' or lower(type) = 'call' then 'call'
            when (task_subtype in ('Email', 'ListEmail') or lower(type) = 'email') and call_type = 'Inbound' then 'email_replied'
            when task_subtype in ('Email', 'ListEmail') or lower(type) = 'email' then 'email_sent'
            else replace(lower(coalesce(type, task_subtype, 'task')), ' ', '_')
        end as kind,
        case
            when call_type in ('Inbound', 'Outbound') then lower(call_type)
            when task_subtype in ('Email', 'ListEmail') or lower(type) = 'email' then 'outbound'
        end as direction,
        owner_id as actor_source_id,
        coalesce(task_subtype, 'Task') <> 'ListEmail' as is_human
    from {{ vendor_records('salesforce', 'task') }} as task
    where is_closed
),

events as (
    select
        source_system,
        id as source_id,
        created_date as created_at,
        last_modified_date as updated_at,
        coalesce(is_deleted, false) or is_gone as is_deleted,
        custom,
        coalesce(start_date_time, cast(activity_date as timestamp), created_date) as occurred_at,
        who_id as person_source_id,
        account_id as account_source_id,
        case when what_id like '006%' then what_id end as opportunity_source_id,
        cast(null as {{ dbt.type_string() }}) as campaign_source_id,
        cast(null as {{ dbt.type_string() }}) as channel,
        replace(lower(coalesce(type, 'meeting')), ' ', '_') as kind,
        cast(null as {{ dbt.type_string() }}) as direction,
        owner_id as actor_source_id,
        true as is_human
    from {{ vendor_records('salesforce', 'event') }} as event
),

responses as (
    select
        members.source_system,
        members.id as source_id,
        members.created_date as created_at,
        members.last_modified_date as updated_at,
        coalesce(members.is_deleted, false) or members.is_gone as is_deleted,
        members.custom,
        coalesce(cast(members.first_responded_date as timestamp), members.created_date) as occurred_at,
        coalesce(members.contact_id, members.lead_id) as person_source_id,
        cast(null as {{ dbt.type_string() }}) as account_source_id,
        cast(null as {{ dbt.type_string() }}) as opportunity_source_id,
        members.campaign_id as campaign_source_id,
        campaigns.type as channel,
        'campaign_response' as kind,
        'inbound' as direction,
        cast(null as {{ dbt.type_string() }}) as actor_source_id,
        true as is_human
    from {{ vendor_records('salesforce', 'campaign_member') }} as members
    left join {{ vendor_records('salesforce', 'campaign') }} as campaigns
        on
            members.source_system = campaigns.source_system
            and members.campaign_id = campaigns.id
    where members.has_responded
),

touches as (
    select * from tasks
    union all
    select * from events
    union all
    select * from responses
)

select
    source_system,
    source_id,
    created_at,
    updated_at,
    is_deleted,
    custom,
    occurred_at,
    person_source_id,
    cast(null as {{ dbt.type_string() }}) as email,
    account_source_id,
    opportunity_source_id,
    campaign_source_id,
    channel,
    cast(kind as {{ dbt.type_string() }}) as kind,
    cast(direction as {{ dbt.type_string() }}) as direction,
    actor_source_id,
    is_human
from touches
where occurred_at is not null
