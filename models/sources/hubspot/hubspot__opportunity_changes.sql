-- Changes of deals of HubSpot, from the values their properties have had.
-- Grain: source_system, source_id. Left out: the values a deal was created with.

with

words as (
    select
        source_system,
        stage_id,
        min(label) as label
    from {{ vendor_records('hubspot', 'pipeline_stage') }} as stages
    where object = 'deals'
    group by source_system, stage_id
),

history as (
    select
        history.source_system,
        history.id,
        history.object_id,
        history.property,
        history.occurred_at,
        history.updated_by_user_id,
        history.custom,
        history.is_gone,
        case history.property
            when 'dealstage' then coalesce(words.label, history.value)
            when 'closedate'
                then cast({{ reporting_date(try_cast('history.value', 'timestamp')) }} as {{ dbt.type_string() }})
            else history.value
        end as value
    from {{ vendor_records('hubspot', 'property_history') }} as history
    left join words
        on
            history.source_system = words.source_system
            and history.property = 'dealstage'
            and history.value = words.stage_id
    where
        history.object = 'deals'
        and history.property in (
            'dealstage', 'amount', 'hs_arr', 'closedate', 'hubspot_owner_id', 'hs_manual_forecast_category',
            'hs_deal_stage_probability'
        )
),

changes as (
    select
        *,
        lag(value) over (partition by source_system, object_id, property order by occurred_at, id) as old_value,
        row_number() over (partition by source_system, object_id, property order by occurred_at, id) as version
    from history
)

select
    changes.source_system,
    changes.id as source_id,
    changes.occurred_at as created_at,
    changes.occurred_at as updated_at,
    changes.is_gone as is_deleted,
    changes.custom,
    changes.object_id as opportunity_source_id,
    changes.occurred_at as changed_at,
    case changes.property
        when 'dealstage' then 'stage'
        when 'amount' then 'amount'
        when 'hs_arr' then 'recurring_amount'
        when 'closedate' then 'expected_close_on'
        when 'hubspot_owner_id' then 'owner_source_id'
        when 'hs_manual_forecast_category' then 'forecast_category'
        when 'hs_deal_stage_probability' then 'probability'
    end as field,
    changes.old_value,
    changes.value as new_value,
    owners.id as changed_by_source_id
from changes
left join {{ vendor_records('hubspot', 'deal') }} as deals
    on
        changes.source_system = deals.source_system
        and changes.object_id = deals.id
left join {{ vendor_records('hubspot', 'owner') }} as owners
    on
        changes.source_system = owners.source_system
        and changes.updated_by_user_id = owners.user_id
where
    changes.version > 1
    or (
        changes.property <> 'dealstage'
        and changes.value is not null
        and {{ seconds_between('deals.created_at', 'changes.occurred_at') }} > 60
    )
