-- Terms that fall due: the base of renewals.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('contracts') }}
