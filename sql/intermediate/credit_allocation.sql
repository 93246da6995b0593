/*---
title = "Credit notes by the periods they give back"
owner = "finance"
grain = ["credit_note_id", "contract_line_id", "cell_no"]

[columns]
credit_note_id = { type = "text", doc = "The credit note" }
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
amount = { type = "decimal(18,4)", doc = "Credited before tax, positive" }

[checks]
not_null = ["credit_note_id", "contract_line_id", "cell_no", "amount"]

[decisions]
spread = "A note on a line goes where the line went; a note on an invoice goes over its lines by amount, half up, the remainder to the last invoice_line_id, then likewise"
reversals = "A note that reversed a line before it was billed again has done its work and is left out"
---*/
with credit_note as (
    select
        credit_note_id,
        invoice_id,
        invoice_line_id,
        amount
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

line_allocation as (
    select
        invoice_line_id,
        contract_line_id,
        cell_no,
        amount
    from line_allocation
    where role in ('billed', 'duplicate')
),

line_grid as (
    select
        contract_line_id,
        minor_digits
    from line_grid
),

open_note as (
    select credit_note.*
    from credit_note
    left join line_role
        on credit_note.credit_note_id = line_role.subject_id
    where line_role.subject_id is null
),

by_amount as (
    select
        open_note.credit_note_id,
        open_note.amount as note_amount,
        billed_line.invoice_line_id,
        billed_line.amount as line_amount,
        sum(billed_line.amount) over (partition by open_note.credit_note_id) as invoice_amount,
        row_number() over (partition by open_note.credit_note_id order by billed_line.invoice_line_id desc) as place_from_last
    from open_note
    inner join billed_line
        on open_note.invoice_id = billed_line.invoice_id
    where open_note.invoice_line_id is null
),

-- Two decimals serve here: the currency's own are restored where the share meets its contract line.
shared as (
    select
        by_amount.*,
        case
            when invoice_amount = 0 then cast(0 as decimal(18,4))
            else cast(round(cast(cast(note_amount as double) * cast(line_amount as double) / cast(invoice_amount as double) as decimal(38,10)), 2) as decimal(18,4))
        end as share
    from by_amount
),

note_on_line as (
    select
        open_note.credit_note_id,
        open_note.invoice_line_id,
        open_note.amount
    from open_note
    where open_note.invoice_line_id is not null
    union all
    select
        shared.credit_note_id,
        shared.invoice_line_id,
        cast(case
            when shared.place_from_last = 1
                then shared.note_amount - (sum(shared.share) over (partition by shared.credit_note_id) - shared.share)
            else shared.share
        end as decimal(18,4)) as amount
    from shared
),

spread as (
    select
        note_on_line.credit_note_id,
        note_on_line.invoice_line_id,
        note_on_line.amount as line_amount,
        line_allocation.contract_line_id,
        line_allocation.cell_no,
        line_grid.minor_digits,
        case
            when sum(line_allocation.amount) over (partition by note_on_line.credit_note_id, note_on_line.invoice_line_id) = 0 then 0
            else cast(
                cast(note_on_line.amount as double) * cast(line_allocation.amount as double)
                / cast(sum(line_allocation.amount) over (partition by note_on_line.credit_note_id, note_on_line.invoice_line_id) as double)
                as decimal(38,10)
            )
        end as share,
        row_number() over (
            partition by note_on_line.credit_note_id, note_on_line.invoice_line_id
            order by line_allocation.cell_no desc
        ) as place_from_last
    from note_on_line
    inner join line_allocation
        on note_on_line.invoice_line_id = line_allocation.invoice_line_id
    inner join line_grid
        on line_allocation.contract_line_id = line_grid.contract_line_id
),

rounded as (
    select
        spread.*,
        case minor_digits
            when 0 then cast(round(share, 0) as decimal(18,4))
            when 3 then cast(round(share, 3) as decimal(18,4))
            else cast(round(share, 2) as decimal(18,4))
        end as share_amount
    from spread
),

settled as (
    select
        credit_note_id,
        contract_line_id,
        cell_no,
        case
            when place_from_last = 1
                then line_amount - (sum(share_amount) over (partition by credit_note_id, invoice_line_id) - share_amount)
            else share_amount
        end as amount
    from rounded
)

select
    credit_note_id,
    contract_line_id,
    cell_no,
    cast(sum(amount) as decimal(18,4)) as amount
from settled
group by
    credit_note_id,
    contract_line_id,
    cell_no
