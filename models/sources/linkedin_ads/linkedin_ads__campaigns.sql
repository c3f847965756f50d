-- Which campaigns does LinkedIn Ads have?
-- Grain: source_system, source_id. Removed campaigns are kept and flagged.

{{ advertising_campaigns('linkedin_ads', channel="cast('paid_social' as " ~ dbt.type_string() ~ ")") }}
