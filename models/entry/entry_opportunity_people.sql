-- Which people take part in which deal, and in what role.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('opportunity_people') }}
