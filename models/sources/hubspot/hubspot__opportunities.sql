-- Deals of HubSpot as opportunities. A stage is called what users see; its id where the pipeline is gone.
-- Grain: source_system, source_id. Archived and merged deals are kept and flagged. The account is the company that is labelled
-- primary, else the one with the lowest id; likewise the person.

with

associated as (
    select
        source_system,
        from_id,
        to_object,
        to_id,
        row_number() over (
            partition by source_system, from_id, to_object
            order by case when lower(label) like '%primary%' then 0 else 1 end, length(to_id), to_id
        ) as preference
    from {{ vendor_records('hubspot', 'association') }} as associations
    where from_object = 'deals' and not is_gone
)

select
    deals.source_system,
    deals.id as source_id,
    deals.created_at,
    deals.updated_at,
    coalesce(deals.archived, false) or deals.is_gone or lost.lost_id is not null as is_deleted,
    deals.custom,
    deals.dealname as name,
    company.to_id as account_source_id,
    contact.to_id as person_source_id,
    deals.hubspot_owner_id as owner_source_id,
    cast(null as {{ dbt.type_string() }}) as campaign_source_id,
    case deals.dealtype
        when 'newbusiness' then 'new_business'
        when 'existingbusiness' then 'expansion'
        when 'renewal' then 'renewal'
    end as kind,
    cast(null as {{ dbt.type_string() }}) as product,
    coalesce(stages.label, deals.dealstage, 'unknown') as stage,
    deals.amount,
    deals.hs_arr as recurring_amount,
    deals.deal_currency_code as currency_code,
    deals.hs_deal_stage_probability as probability,
    deals.hs_manual_forecast_category as forecast_category,
    coalesce(deals.createdate, deals.created_at) as opened_at,
    {{ reporting_date('deals.closedate') }} as expected_close_on,
    case when stages.is_closed then deals.closedate end as closed_at,
    deals.closed_lost_reason as loss_reason,
    deals.hs_analytics_source as lead_source,
    cast(null as {{ dbt.type_string() }}) as direction
from {{ vendor_records('hubspot', 'deal') }} as deals
left join {{ vendor_records('hubspot', 'pipeline_stage') }} as stages
    on
        deals.source_system = stages.source_system
        and stages.id = 'deals:' || deals.pipeline || ':' || deals.dealstage
left join associated as company
    on
        deals.source_system = company.source_system
        and deals.id = company.from_id
        and company.to_object = 'companies'
        and company.preference = 1
left join associated as contact
    on
        deals.source_system = contact.source_system
        and deals.id = contact.from_id
        and contact.to_object = 'contacts'
        and contact.preference = 1
left join {{ vendor_records('hubspot', 'merge') }} as lost
    on
        deals.source_system = lost.source_system
        and deals.id = lost.lost_id
        and lost.object = 'deals'
        and not lost.is_gone
