-- What sales and marketing cost, by day or spread over a period.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('spend') }}
