-- Which campaigns does Google Ads have?
-- Grain: source_system, source_id. Removed campaigns are kept and flagged.

{{ advertising_campaigns('google_ads') }}
