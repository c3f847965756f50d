-- Every marketing, sales-engagement and human contact with a person or account.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('touches') }}
