-- Deals of Pipedrive as opportunities. The stage of a deal that is won or lost is Won or Lost, else what its stage is called.
-- Grain: source_system, source_id. Deleted and merged deals are kept and flagged, and so are open deals that were archived: nobody
-- works on them any more. Won and lost deals stay what they were when they are archived.

select
    deals.source_system,
    deals.id as source_id,
    deals.add_time as created_at,
    deals.update_time as updated_at,
    coalesce(deals.is_deleted, false) or deals.is_gone
    or (coalesce(deals.is_archived, false) and coalesce(deals.status, 'open') = 'open') as is_deleted,
    deals.custom,
    deals.title as name,
    deals.org_id as account_source_id,
    deals.person_id as person_source_id,
    deals.owner_id as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as campaign_source_id,
    cast(null as {{ dbt.type_string() }}) as kind,
    cast(null as {{ dbt.type_string() }}) as product,
    case
        when deals.status = 'won' then 'Won'
        when deals.status = 'lost' then 'Lost'
        else coalesce(stages.name, deals.stage_id, 'unknown')
    end as stage,
    deals.value as amount,
    deals.arr as recurring_amount,
    deals.currency as currency_code,
    case
        when deals.status = 'won' then cast(1 as double)
        when deals.status = 'lost' then cast(0 as double)
        else coalesce(deals.probability, stages.deal_probability) / cast(100 as double)
    end as probability,
    cast(null as {{ dbt.type_string() }}) as forecast_category,
    deals.add_time as opened_at,
    deals.expected_close_date as expected_close_on,
    case
        when deals.status = 'won' then coalesce(deals.won_time, deals.close_time)
        when deals.status = 'lost' then coalesce(deals.lost_time, deals.close_time)
    end as closed_at,
    deals.lost_reason as loss_reason,
    deals.channel as lead_source,
    cast(null as {{ dbt.type_string() }}) as direction
from {{ vendor_records('pipedrive', 'deal') }} as deals
left join {{ vendor_records('pipedrive', 'stage') }} as stages
    on
        deals.source_system = stages.source_system
        and deals.stage_id = stages.id
