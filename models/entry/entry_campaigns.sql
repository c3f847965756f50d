-- A marketing campaign.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('campaigns') }}
