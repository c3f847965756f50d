-- An employee who owns work: a rep, a marketer, a success manager.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('users') }}
