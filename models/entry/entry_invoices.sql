-- Invoices as the billing system knows them.
-- Grain: source_system, source_id. Deleted records are kept and flagged.

{{ union_sources('invoices') }}
