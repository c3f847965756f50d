-- What did each campaign of Meta Ads cost on each day?
-- Grain: source_system, source_id: a campaign and a day of its account's calendar.
-- Left out: days for which Meta gives no cost at all.

{{ advertising_spend('meta_ads', channel="cast('paid_social' as " ~ dbt.type_string() ~ ")") }}
