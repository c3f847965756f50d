-- Calls, meetings, e-mails and whatever else users of Pipedrive did with somebody.
-- Grain: source_system, source_id. Deleted activities are kept and flagged.
-- Left out: activities that are not done, tasks and deadlines, and activities of no known time.

select
    activities.source_system,
    activities.id as source_id,
    activities.add_time as created_at,
    activities.update_time as updated_at,
    coalesce(activities.is_deleted, false) or activities.is_gone as is_deleted,
    activities.custom,
    coalesce(activities.due_at, activities.marked_as_done_time) as occurred_at,
    activities.person_id as person_source_id,
    cast(null as {{ dbt.type_string() }}) as email,
    activities.org_id as account_source_id,
    activities.deal_id as opportunity_source_id,
    cast(null as {{ dbt.type_string() }}) as campaign_source_id,
    cast(null as {{ dbt.type_string() }}) as channel,
    case
        when lower(activities.type) = 'email' then 'email_sent'
        when lower(activities.type) = 'lunch' then 'meeting'
        else coalesce(lower(activities.type), 'activity')
    end as kind,
    cast(null as {{ dbt.type_string() }}) as direction,
    activities.owner_id as actor_source_id,
    true as is_human
from {{ vendor_records('pipedrive', 'activity') }} as activities
where
    activities.done
    and coalesce(lower(activities.type), '') not in ('task', 'deadline')
    and coalesce(activities.due_at, activities.marked_as_done_time) is not null
