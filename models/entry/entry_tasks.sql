-- Work of the revenue teams in project trackers.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('tasks') }}
