-- Which tools a department has, and whether anyone uses them.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('tool_usage') }}
