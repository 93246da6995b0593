/*---
title = "Chargebee invoices given up"
owner = "finance"

[decisions]
dated = "Writing off makes a credit note of that reason: its day and total; a voided one wrote nothing off"
---*/
with credit_note as (
    select
        id,
        invoice_id,
        reason_code,
        approved_by,
        issued_at,
        total
    from landed.credit_note
    where system_reason_code = 'write_off'
        and voided_at is null
        and invoice_id is not null
        and issued_at is not null
        and total is not null
)

select
    id as write_off_id,
    invoice_id,
    cast(total as decimal(18,4)) as amount,
    cast(issued_at as date) as written_off_date,
    approved_by,
    reason_code as reason,
    id as source_id
from credit_note
