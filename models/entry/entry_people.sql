-- A lead, contact, subscriber or support end user as one silo knows them.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('people') }}
