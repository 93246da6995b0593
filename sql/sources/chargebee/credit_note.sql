/*---
title = "Chargebee credit notes"
owner = "finance"

[decisions]
lines = "A note over several lines is one row a line, named note/line; the last line takes what the others leave of the note's total"
before_tax = "The total less the lines' tax"
write_off = "A note that writes an invoice off is no credit: it is in write_off"
---*/
with credit_note as (
    select
        id,
        customer_id,
        invoice_id,
        status,
        reason_code,
        approved_by,
        price_type,
        currency_code,
        issued_at,
        voided_at,
        total
    from landed.credit_note
    where coalesce(system_reason_code, '') <> 'write_off'
        and customer_id is not null
        and issued_at is not null
        and total is not null
        and currency_code is not null
),

line as (
    select
        id,
        credit_note_id,
        invoice_line_id,
        amount - coalesce(discount_amount, 0) as amount,
        coalesce(tax_amount, 0) as tax_amount
    from landed.credit_note_line
),

numbered as (
    select
        line.*,
        count(*) over (partition by credit_note_id) as line_count,
        row_number() over (partition by credit_note_id order by id desc) as place_from_last,
        sum(tax_amount) over (partition by credit_note_id) as note_tax
    from line
),

net as (
    select
        credit_note.id,
        numbered.id as line_id,
        numbered.line_count,
        numbered.invoice_line_id,
        numbered.place_from_last,
        credit_note.total - coalesce(numbered.note_tax, 0) as note_amount,
        case when credit_note.price_type = 'tax_inclusive' then numbered.amount - numbered.tax_amount else numbered.amount end as line_amount
    from credit_note
    left join numbered
        on credit_note.id = numbered.credit_note_id
),

shared as (
    select
        net.*,
        case
            when line_id is null then note_amount
            when place_from_last = 1 then note_amount - (sum(line_amount) over (partition by id) - line_amount)
            else line_amount
        end as amount
    from net
)

select
    case when shared.line_count > 1 then concat(credit_note.id, '/', shared.line_id) else credit_note.id end as credit_note_id,
    credit_note.customer_id as account_id,
    credit_note.invoice_id,
    shared.invoice_line_id,
    cast(credit_note.issued_at as date) as issued_date,
    cast(shared.amount as decimal(18,4)) as amount,
    upper(credit_note.currency_code) as currency,
    credit_note.reason_code,
    credit_note.approved_by,
    credit_note.voided_at,
    credit_note.id as source_id
from shared
inner join credit_note
    on shared.id = credit_note.id
