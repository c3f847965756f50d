-- Attribution by channel: how much does each channel get, and how far do the models and chance disagree?
-- Grain: model, channel. Over all won deals that anybody touched. The interval is a 95 % bootstrap over deals (from 20 on); the
-- spread goes from the least to the most any model gives. Where spread or interval is wide, the budget needs an experiment.
-- Left out: deals that nobody touched.

with

credited as (
    select
        model,
        channel,
        count(distinct opportunity_id) as deals,
        count(distinct touch_id) as touches,
        sum(credited_amount) as credited_amount
    from {{ ref('attribution') }}
    where touch_id <> 'none'
    group by model, channel
)

select
    shares.model,
    shares.channel,
    cast(coalesce(credited.deals, 0) as bigint) as deals,
    cast(coalesce(credited.touches, 0) as bigint) as touches,
    {{ money('coalesce(credited.credited_amount, 0)') }} as credited_amount,
    shares.share,
    shares.share_low,
    shares.share_high,
    min(shares.share) over (partition by shares.channel) as lowest_share,
    max(shares.share) over (partition by shares.channel) as highest_share
from {{ source('insight', 'attribution_channels') }} as shares
left join credited
    on
        shares.model = credited.model
        and shares.channel = credited.channel
