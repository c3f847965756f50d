-- Which deals does Salesforce know, and in which state are they now?
-- Grain: source_system, source_id. Deals in the bin are kept and flagged. A deal closed when it last entered the closed stage it
-- is in; the close date stands in where there is no history of stages.

with

saves as (
    select
        source_system,
        opportunity_id,
        stage_name,
        created_date,
        lag(stage_name) over (partition by source_system, opportunity_id order by created_date asc, id asc) as stage_before
    from {{ vendor_records('salesforce', 'opportunity_history') }} as opportunity_history
),

stage_entries as (
    select
        source_system,
        opportunity_id,
        stage_name,
        max(created_date) as entered_at
    from saves
    where stage_before is null or stage_before <> stage_name
    group by source_system, opportunity_id, stage_name
),

main_contacts as (
    select
        source_system,
        opportunity_id,
        min(contact_id) as contact_id
    from {{ vendor_records('salesforce', 'opportunity_contact_role') }} as roles
    where is_primary and not coalesce(is_deleted, false) and not is_gone
    group by source_system, opportunity_id
)

select
    deals.source_system,
    deals.id as source_id,
    deals.created_date as created_at,
    deals.last_modified_date as updated_at,
    coalesce(deals.is_deleted, false) or deals.is_gone as is_deleted,
    deals.custom,
    deals.name,
    deals.account_id as account_source_id,
    coalesce(main_contacts.contact_id, deals.contact_id) as person_source_id,
    deals.owner_id as owner_source_id,
    deals.campaign_id as campaign_source_id,
    case
        when lower(deals.type) like '%renew%' then 'renewal'
        when
            lower(deals.type) like '%existing%' or lower(deals.type) like '%expansion%' or lower(deals.type) like '%upgrade%'
            or lower(deals.type) like '%upsell%' or lower(deals.type) like '%cross%' or lower(deals.type) like '%add-on%'
            then 'expansion'
        when lower(deals.type) like '%new%' then 'new_business'
    end as kind,
    cast(null as {{ dbt.type_string() }}) as product,
    deals.stage_name as stage,
    deals.amount,
    cast(null as decimal(18, 4)) as recurring_amount,
    deals.currency_iso_code as currency_code,
    deals.probability / 100 as probability,
    deals.forecast_category_name as forecast_category,
    deals.created_date as opened_at,
    deals.close_date as expected_close_on,
    case
        when deals.is_closed
            then coalesce(stage_entries.entered_at, deals.last_stage_change_date, cast(deals.close_date as timestamp))
    end as closed_at,
    cast(null as {{ dbt.type_string() }}) as loss_reason,
    deals.lead_source,
    cast(null as {{ dbt.type_string() }}) as direction
from {{ vendor_records('salesforce', 'opportunity') }} as deals
left join stage_entries
    on
        deals.source_system = stage_entries.source_system
        and deals.id = stage_entries.opportunity_id
        and deals.stage_name = stage_entries.stage_name
left join main_contacts
    on
        deals.source_system = main_contacts.source_system
        and deals.id = main_contacts.opportunity_id
