-- Use of the product per account, day and feature.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('product_usage') }}
