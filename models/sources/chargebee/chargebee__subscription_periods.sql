-- What was each item of a subscription, from when to when?
-- Grain: source_system, source_id: an item and the moment from which nothing about it changed.
-- A subscription is known at the moments at which it changed: those of its events, and of its last change when it was read. What
-- was seen first counts from the day the subscription began; an item that a later moment lacks ended at that moment. A plan that
-- is exchanged for another is one item.
-- Left out: stretches that began and ended on one day, and subscriptions that have not begun.

{% set products -%}
(
    select
        prices.source_system,
        prices.id,
        coalesce(items.name, prices.name) as name
    from {{ vendor_records('chargebee', 'item_price') }} as prices
    left join {{ vendor_records('chargebee', 'item') }} as items
        on
            prices.source_system = items.source_system
            and prices.item_id = items.id
)
{%- endset -%}

{{ snapshot_periods('chargebee', products) }}
