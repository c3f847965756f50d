-- What reached contacts of HubSpot, and what they did: events of marketing e-mails, forms, and calls, meetings and one-to-one
-- e-mails that users logged.
-- Grain: source_system, source_id. A call or meeting with several contacts is one touch of each of them.
-- Left out: events between sending and delivery; clicks and opens by machines; meetings that were cancelled or not attended.

with

addresses as (
    select
        source_system,
        lower(trim(email)) as email,
        min(id) as contact_id
    from {{ vendor_records('hubspot', 'contact') }} as contacts
    where email is not null and not coalesce(archived, false) and not is_gone
    group by source_system, lower(trim(email))
),

associated as (
    select
        source_system,
        from_object,
        from_id,
        to_object,
        to_id,
        row_number() over (
            partition by source_system, from_object, from_id, to_object order by length(to_id), to_id
        ) as preference
    from {{ vendor_records('hubspot', 'association') }} as associations
    where not is_gone
),

engagements as (
    select
        source_system,
        id,
        'calls' as object,
        created_at,
        updated_at,
        coalesce(archived, false) or is_gone as is_deleted,
        custom,
        coalesce(hs_timestamp, created_at) as occurred_at,
        'call' as kind,
        case when hs_call_direction = 'INBOUND' then 'inbound' else 'outbound' end as direction,
        cast(null as {{ dbt.type_string() }}) as channel,
        hubspot_owner_id
    from {{ vendor_records('hubspot', 'call') }} as calls
    union all
    select
        source_system,
        id,
        'meetings' as object,
        created_at,
        updated_at,
        coalesce(archived, false) or is_gone as is_deleted,
        custom,
        coalesce(hs_meeting_start_time, hs_timestamp, created_at) as occurred_at,
        'meeting' as kind,
        'outbound' as direction,
        cast(null as {{ dbt.type_string() }}) as channel,
        hubspot_owner_id
    from {{ vendor_records('hubspot', 'meeting') }} as meetings
    where coalesce(hs_meeting_outcome, 'COMPLETED') not in ('CANCELED', 'NO_SHOW', 'RESCHEDULED')
    union all
    select
        source_system,
        id,
        'emails' as object,
        created_at,
        updated_at,
        coalesce(archived, false) or is_gone as is_deleted,
        custom,
        coalesce(hs_timestamp, created_at) as occurred_at,
        case when hs_email_direction = 'INCOMING_EMAIL' then 'email_replied' else 'email_sent' end as kind,
        case when hs_email_direction = 'INCOMING_EMAIL' then 'inbound' else 'outbound' end as direction,
        'EMAIL' as channel,
        hubspot_owner_id
    from {{ vendor_records('hubspot', 'email') }} as emails
)

select
    events.source_system,
    'email_event:' || events.id as source_id,
    events.created as created_at,
    events.created as updated_at,
    events.is_gone as is_deleted,
    events.custom,
    events.created as occurred_at,
    addresses.contact_id as person_source_id,
    events.recipient as email,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    cast(null as {{ dbt.type_string() }}) as opportunity_source_id,
    events.email_campaign_id as campaign_source_id,
    'EMAIL_MARKETING' as channel,
    case events.type
        when 'SENT' then 'email_sent'
        when 'OPEN' then 'email_opened'
        when 'CLICK' then 'email_clicked'
        when 'BOUNCE' then 'bounce'
        when 'SPAMREPORT' then 'spam_report'
        when 'FORWARD' then 'email_forwarded'
        else 'unsubscribe'
    end as kind,
    case when events.type in ('SENT', 'BOUNCE') then 'outbound' else 'inbound' end as direction,
    cast(null as {{ dbt.type_string() }}) as actor_source_id,
    events.type in ('OPEN', 'CLICK', 'SPAMREPORT', 'FORWARD', 'STATUSCHANGE') as is_human
from {{ vendor_records('hubspot', 'email_event') }} as events
left join addresses
    on
        events.source_system = addresses.source_system
        and lower(trim(events.recipient)) = addresses.email
where
    events.type in ('SENT', 'OPEN', 'CLICK', 'BOUNCE', 'SPAMREPORT', 'FORWARD', 'STATUSCHANGE')
    and not (coalesce(events.filtered_event, false) and events.type in ('OPEN', 'CLICK'))
union all
select
    submissions.source_system,
    'form_submission:' || submissions.id as source_id,
    submissions.submitted_at as created_at,
    submissions.submitted_at as updated_at,
    submissions.is_gone as is_deleted,
    submissions.custom,
    submissions.submitted_at as occurred_at,
    coalesce(submissions.contact_id, addresses.contact_id) as person_source_id,
    submissions.email,
    cast(null as {{ dbt.type_string() }}) as account_source_id,
    cast(null as {{ dbt.type_string() }}) as opportunity_source_id,
    cast(null as {{ dbt.type_string() }}) as campaign_source_id,
    cast(null as {{ dbt.type_string() }}) as channel,
    'form_fill' as kind,
    'inbound' as direction,
    cast(null as {{ dbt.type_string() }}) as actor_source_id,
    true as is_human
from {{ vendor_records('hubspot', 'form_submission') }} as submissions
left join addresses
    on
        submissions.source_system = addresses.source_system
        and lower(trim(submissions.email)) = addresses.email
where submissions.submitted_at is not null
union all
select
    engagements.source_system,
    engagements.object || ':' || engagements.id || case when contact.to_id is null then '' else ':' || contact.to_id end
        as source_id,
    engagements.created_at,
    engagements.updated_at,
    engagements.is_deleted,
    engagements.custom,
    engagements.occurred_at,
    contact.to_id as person_source_id,
    cast(null as {{ dbt.type_string() }}) as email,
    company.to_id as account_source_id,
    deal.to_id as opportunity_source_id,
    cast(null as {{ dbt.type_string() }}) as campaign_source_id,
    engagements.channel,
    engagements.kind,
    engagements.direction,
    engagements.hubspot_owner_id as actor_source_id,
    true as is_human
from engagements
left join associated as contact
    on
        engagements.source_system = contact.source_system
        and engagements.object = contact.from_object
        and engagements.id = contact.from_id
        and contact.to_object = 'contacts'
left join associated as company
    on
        engagements.source_system = company.source_system
        and engagements.object = company.from_object
        and engagements.id = company.from_id
        and company.to_object = 'companies'
        and company.preference = 1
left join associated as deal
    on
        engagements.source_system = deal.source_system
        and engagements.object = deal.from_object
        and engagements.id = deal.from_id
        and deal.to_object = 'deals'
        and deal.preference = 1
where engagements.occurred_at is not null
