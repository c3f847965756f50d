-- What did each campaign of Google Ads cost on each day?
-- Grain: source_system, source_id: a campaign and a day of its account's calendar.
-- Left out: days for which Google gives no cost at all.

{{ advertising_spend('google_ads') }}
