-- Attribution: which touches won a deal?
-- Grain: opportunity_id, touch_id, model. Touches of any kind with the company or the contact in the 180 days up to the close;
-- orchestration/insight/attribution.py has the models. Credits add up to 1 per won deal and model, amounts to the deal's.
-- Left out: touches without credit. A won deal that nobody touched has one row per model, touch 'none' of channel 'unknown'.

-- depends_on: {{ ref('people') }}, {{ ref('leads') }}, {{ ref('funnel_entries') }}, {{ ref('reporting_periods') }}

select
    credits.opportunity_id,
    credits.touch_id,
    credits.model,
    credits.credit,
    credits.credited_amount,
    coalesce(touches.channel, 'unknown') as channel,
    touches.campaign_id,
    touches.kind as touch_kind,
    touches.occurred_on as touched_on,
    cast({{ days_between('touches.occurred_on', 'deals.closed_on') }} as bigint) as days_before_close,
    deals.closed_on,
    deals.account_id,
    deals.kind,
    deals.segment,
    deals.region
from {{ source('insight', 'attribution') }} as credits
inner join {{ ref('opportunities') }} as deals
    on credits.opportunity_id = deals.opportunity_id
left join {{ ref('touches') }} as touches
    on credits.touch_id = touches.touch_id
