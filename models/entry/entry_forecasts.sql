-- Forecast submissions, append-only: a submission is never edited, a new one follows.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('forecasts') }}
