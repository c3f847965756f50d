-- How long was each deal in each stage?
-- Grain: opportunity_id, sequence. Consecutive states in one stage are one stay; a deal that comes back has another.
-- Left out: closed stages, unmapped stages, deleted deals.

with

states as (
    select
        opportunity_id,
        shared_stage,
        stage_order,
        is_closed,
        valid_from,
        valid_to,
        lag(shared_stage) over (partition by opportunity_id order by valid_from) as stage_before,
        lag(stage_order) over (partition by opportunity_id order by valid_from) as order_before
    from {{ ref('opportunity_history') }}
    where not is_deleted
),

numbered as (
    select
        *,
        sum(case when shared_stage = stage_before then 0 else 1 end) over (
            partition by opportunity_id order by valid_from rows between unbounded preceding and current row
        ) as stay_number
    from states
),

stays as (
    select
        opportunity_id,
        stay_number,
        max(shared_stage) as shared_stage,
        max(stage_order) as stage_order,
        max(case when is_closed then 1 else 0 end) = 1 as is_closed,
        min(valid_from) as entered_at,
        case when max(case when valid_to is null then 1 else 0 end) = 0 then max(valid_to) end as exited_at,
        max(case when coalesce(shared_stage <> stage_before, true) then order_before end) as order_before
    from numbered
    group by opportunity_id, stay_number
)

select
    stays.opportunity_id,
    cast(stays.stay_number as bigint) as sequence,
    stays.shared_stage,
    cast(stays.stage_order as bigint) as stage_order,
    stays.entered_at,
    stays.exited_at,
    {{ reporting_date('stays.entered_at') }} as entered_on,
    {{ reporting_date('stays.exited_at') }} as exited_on,
    coalesce(stays.stage_order < stays.order_before, false) as is_backward,
    coalesce(stays.stage_order > stays.order_before + 1, false) as skips_a_stage,
    deals.is_closed as deal_is_closed,
    deals.amount,
    deals.segment,
    deals.region,
    deals.owner_name,
    deals.team,
    deals.product,
    deals.lead_source,
    deals.direction,
    deals.kind
from stays
inner join {{ ref('opportunities') }} as deals
    on stays.opportunity_id = deals.opportunity_id
where stays.shared_stage is not null and not stays.is_closed
