-- A subscription item over a stretch of time in which nothing about it changes.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('subscription_periods') }}
