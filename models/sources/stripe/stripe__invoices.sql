-- Which invoices does Stripe know?
-- Grain: source_system, source_id. Deleted drafts are kept and flagged.

select
    source_system,
    id as source_id,
    created as created_at,
    cast(null as timestamp) as updated_at,
    is_gone as is_deleted,
    custom,
    customer as account_source_id,
    subscription as subscription_id,
    coalesce(finalized_at, created) as issued_at,
    cast(due_date as date) as due_on,
    paid_at,
    total as amount,
    tax as tax_amount,
    currency as currency_code,
    status
from {{ vendor_records('stripe', 'invoice') }} as invoices
where customer is not null
