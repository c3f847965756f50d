-- Which campaigns does Meta Ads have?
-- Grain: source_system, source_id. Removed campaigns are kept and flagged.

{{ advertising_campaigns('meta_ads', channel="cast('paid_social' as " ~ dbt.type_string() ~ ")") }}
