-- A company as one silo knows it.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('accounts') }}
