-- A deal in its latest known state.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('opportunities') }}
