-- Which invoices and credit notes does Chargebee know?
-- Grain: source_system, source_id. Credit notes are invoices of less than nothing. Deleted ones are kept and flagged.

select
    source_system,
    id as source_id,
    {{ adapter.quote('date') }} as created_at,
    updated_at,
    is_gone or coalesce(deleted, false) as is_deleted,
    custom,
    customer_id as account_source_id,
    subscription_id,
    {{ adapter.quote('date') }} as issued_at,
    cast(due_date as date) as due_on,
    paid_at,
    total as amount,
    tax as tax_amount,
    currency_code,
    case status
        when 'pending' then 'draft'
        when 'posted' then 'open'
        when 'payment_due' then 'open'
        when 'not_paid' then 'uncollectible'
        when 'voided' then 'void'
        else status
    end as status
from {{ vendor_records('chargebee', 'invoice') }} as invoices
where customer_id is not null
union all
select
    source_system,
    'credit note ' || id as source_id,
    {{ adapter.quote('date') }} as created_at,
    updated_at,
    is_gone or coalesce(deleted, false) as is_deleted,
    custom,
    customer_id as account_source_id,
    subscription_id,
    {{ adapter.quote('date') }} as issued_at,
    cast(null as date) as due_on,
    refunded_at as paid_at,
    -total as amount,
    cast(null as decimal(18, 4)) as tax_amount,
    currency_code,
    case status
        when 'adjusted' then 'paid'
        when 'refund_due' then 'open'
        when 'voided' then 'void'
        else status
    end as status
from {{ vendor_records('chargebee', 'credit_note') }} as credit_notes
where customer_id is not null
