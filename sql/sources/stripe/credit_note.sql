/*---
title = "Stripe credit notes"
owner = "finance"

[decisions]
lines = "A note over several lines is one row a line, named note/line; the last line takes what the others leave of the note's total"
before_tax = "The total without tax; without one the subtotal less the note's discounts"
---*/
with credit_note as (
    select
        id,
        created_at,
        customer_id,
        invoice_id,
        currency,
        effective_at,
        voided_at,
        status,
        reason,
        approved_by,
        coalesce(total_excluding_tax, subtotal - coalesce(discount_amount, 0)) as amount
    from landed.credit_note
    where customer_id is not null
),

voided as (
    select
        credit_note_id,
        happened_at
    from landed.credit_note_voided
),

line as (
    select
        id,
        credit_note_id,
        invoice_line_id,
        amount - coalesce(discount_amount, 0) as amount
    from landed.credit_note_line
    union
    select
        id,
        credit_note_id,
        invoice_line_id,
        amount - coalesce(discount_amount, 0) as amount
    from landed.credit_note_line_rest
),

numbered as (
    select
        line.*,
        count(*) over (partition by credit_note_id) as line_count,
        row_number() over (partition by credit_note_id order by id desc) as place_from_last,
        sum(amount) over (partition by credit_note_id) as lines_amount
    from line
),

-- What the lines hold of tax or rounding goes to the last one, so that the rows add up to the note.
shared as (
    select
        credit_note.id,
        numbered.id as line_id,
        numbered.line_count,
        numbered.invoice_line_id,
        case
            when numbered.id is null then credit_note.amount
            when numbered.place_from_last = 1 then credit_note.amount - (numbered.lines_amount - numbered.amount)
            else numbered.amount
        end as amount
    from credit_note
    left join numbered
        on credit_note.id = numbered.credit_note_id
)

select
    case when shared.line_count > 1 then concat(credit_note.id, '/', shared.line_id) else credit_note.id end as credit_note_id,
    credit_note.customer_id as account_id,
    credit_note.invoice_id,
    shared.invoice_line_id,
    cast(coalesce(credit_note.effective_at, credit_note.created_at) as date) as issued_date,
    cast(shared.amount as decimal(18,4)) as amount,
    upper(credit_note.currency) as currency,
    credit_note.reason as reason_code,
    credit_note.approved_by,
    coalesce(credit_note.voided_at, voided.happened_at) as voided_at,
    credit_note.id as source_id
from shared
inner join credit_note
    on shared.id = credit_note.id
left join voided
    on credit_note.id = voided.credit_note_id
