/*---
title = "Credit notes by the invoice lines they give back"
owner = "finance"
grain = ["credit_note_id", "invoice_line_id"]

[columns]
credit_note_id = { type = "text", doc = "The credit note" }
invoice_line_id = { type = "text", doc = "The invoice line" }
currency = { type = "text", doc = "Currency of the note" }
note_digits = { type = "integer", doc = "Decimals of that currency" }
amount = { type = "decimal(18,4)", doc = "Credited before tax, positive, in the note's currency" }

[checks]
not_null = ["credit_note_id", "invoice_line_id", "amount"]

[decisions]
spread = "A note on a line is that line's; a note on an invoice goes over its lines by amount, half up, the remainder to the last invoice_line_id"
reversals = "A note that reversed a line before it was billed again has done its work and is left out"
---*/
with currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

credit_note as (
    select
        credit_note_id,
        invoice_id,
        invoice_line_id,
        amount,
        currency
    from credit_note
    where issued_date <= cast($as_of as date)
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
),

line_role as (
    select subject_id
    from line_role
    where not is_line
),

billed_line as (
    select
        invoice_line_id,
        invoice_id,
        amount
    from billed_line
    where state = 'posted'
        and not is_credit
),

open_note as (
    select
        credit_note.*,
        coalesce(currency_minor_unit.minor_digits, 2) as note_digits
    from credit_note
    left join line_role
        on credit_note.credit_note_id = line_role.subject_id
    left join currency_minor_unit
        on credit_note.currency = currency_minor_unit.currency
    where line_role.subject_id is null
),

by_amount as (
    select
        open_note.credit_note_id,
        open_note.amount as note_amount,
        open_note.currency,
        open_note.note_digits,
        billed_line.invoice_line_id,
        billed_line.amount as line_amount,
        sum(billed_line.amount) over (partition by open_note.credit_note_id) as invoice_amount,
        row_number() over (partition by open_note.credit_note_id order by billed_line.invoice_line_id desc) as place_from_last
    from open_note
    inner join billed_line
        on open_note.invoice_id = billed_line.invoice_id
    where open_note.invoice_line_id is null
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        by_amount.*,
        cast(round(cast(note_amount as double) * cast(line_amount as double) / cast(nullif(invoice_amount, 0) as double)) as decimal(38,0)) as whole_share
    from by_amount
),

weighed as (
    select
        halved.*,
        case
            when invoice_amount = 0 then cast(0 as decimal(38,10))
            else whole_share + cast(cast(
                cast(note_amount as decimal(38,4)) * cast(line_amount as decimal(18,4)) - whole_share * cast(invoice_amount as decimal(18,4))
                as double) / cast(invoice_amount as double) as decimal(38,10))
        end as share_exact
    from halved
),

shared as (
    select
        weighed.*,
        case note_digits
            when 0 then cast(round(share_exact, 0) as decimal(18,4))
            when 3 then cast(round(share_exact, 3) as decimal(18,4))
            else cast(round(share_exact, 2) as decimal(18,4))
        end as share
    from weighed
)

select
    credit_note_id,
    invoice_line_id,
    currency,
    cast(note_digits as bigint) as note_digits,
    amount
from open_note
where invoice_line_id is not null
union all
select
    credit_note_id,
    invoice_line_id,
    currency,
    cast(note_digits as bigint) as note_digits,
    cast(case
        when place_from_last = 1 then note_amount - (sum(share) over (partition by credit_note_id) - share)
        else share
    end as decimal(18,4)) as amount
from shared
