-- Field history of deals: one row per changed field.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('opportunity_changes') }}
