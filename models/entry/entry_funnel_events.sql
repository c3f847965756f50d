-- A person entering a lifecycle stage, in the source's own stage word.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('funnel_events') }}
