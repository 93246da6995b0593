/*---
title = "Credit notes by the periods they give back"
owner = "finance"
grain = ["credit_note_id", "contract_line_id", "cell_no"]

[columns]
credit_note_id = { type = "text", doc = "The credit note" }
contract_line_id = { type = "text", doc = "Canonical contract line" }
cell_no = { type = "integer", doc = "Number of the cell in the line's grid" }
amount = { type = "decimal(18,4)", doc = "Credited before tax, positive, in the contract's currency" }
note_amount = { type = "decimal(18,4)", doc = "The same in the note's currency" }

[checks]
not_null = ["credit_note_id", "contract_line_id", "cell_no", "amount", "note_amount"]

[decisions]
spread = "A note on a line goes where the line went; a note on an invoice goes over its lines by amount, half up, the remainder to the last invoice_line_id, then likewise"
conversion = "A note in the invoice's currency is converted like the line, half up once a line; one in the contract's stands as it is; any other currency is left out"
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
        amount,
        currency,
        fx_rate,
        is_fx_divided
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
        currency,
        minor_digits
    from line_grid
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

weighed as (
    select
        by_amount.*,
        case
            when invoice_amount = 0 then cast(0 as decimal(38,10))
            else cast(cast(note_amount as double) * cast(line_amount as double) / cast(invoice_amount as double) as decimal(38,10))
        end as share_exact
    from by_amount
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
),

note_on_line as (
    select
        credit_note_id,
        invoice_line_id,
        currency,
        note_digits,
        amount
    from open_note
    where invoice_line_id is not null
    union all
    select
        credit_note_id,
        invoice_line_id,
        currency,
        note_digits,
        cast(case
            when place_from_last = 1 then note_amount - (sum(share) over (partition by credit_note_id) - share)
            else share
        end as decimal(18,4)) as amount
    from shared
),

-- In the contract's currency: as it stands, or converted like the line it gives back.
matched as (
    select
        note_on_line.credit_note_id,
        note_on_line.invoice_line_id,
        note_on_line.amount as note_amount,
        note_on_line.note_digits,
        line_allocation.contract_line_id,
        line_allocation.cell_no,
        line_allocation.amount as cell_amount,
        line_grid.minor_digits,
        case
            when note_on_line.currency = line_grid.currency then cast(note_on_line.amount as decimal(38,10))
            when billed_line.is_fx_divided then cast(cast(note_on_line.amount as double) / cast(billed_line.fx_rate as double) as decimal(38,10))
            else cast(cast(note_on_line.amount as double) * cast(billed_line.fx_rate as double) as decimal(38,10))
        end as line_exact
    from note_on_line
    inner join billed_line
        on note_on_line.invoice_line_id = billed_line.invoice_line_id
    inner join line_allocation
        on note_on_line.invoice_line_id = line_allocation.invoice_line_id
    inner join line_grid
        on line_allocation.contract_line_id = line_grid.contract_line_id
    where note_on_line.currency = line_grid.currency
        or note_on_line.currency = billed_line.currency
),

converted as (
    select
        matched.*,
        case minor_digits
            when 0 then cast(round(line_exact, 0) as decimal(18,4))
            when 3 then cast(round(line_exact, 3) as decimal(18,4))
            else cast(round(line_exact, 2) as decimal(18,4))
        end as line_amount,
        sum(cell_amount) over (partition by credit_note_id, invoice_line_id) as cells_amount,
        row_number() over (partition by credit_note_id, invoice_line_id order by cell_no desc) as place_from_last
    from matched
),

spread as (
    select
        converted.*,
        case
            when cells_amount = 0 then cast(0 as decimal(38,10))
            else cast(cast(line_amount as double) * cast(cell_amount as double) / cast(cells_amount as double) as decimal(38,10))
        end as share,
        case
            when cells_amount = 0 then cast(0 as decimal(38,10))
            else cast(cast(note_amount as double) * cast(cell_amount as double) / cast(cells_amount as double) as decimal(38,10))
        end as note_share
    from converted
),

rounded as (
    select
        spread.*,
        case minor_digits
            when 0 then cast(round(share, 0) as decimal(18,4))
            when 3 then cast(round(share, 3) as decimal(18,4))
            else cast(round(share, 2) as decimal(18,4))
        end as share_amount,
        case note_digits
            when 0 then cast(round(note_share, 0) as decimal(18,4))
            when 3 then cast(round(note_share, 3) as decimal(18,4))
            else cast(round(note_share, 2) as decimal(18,4))
        end as note_share_amount
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
        end as amount,
        case
            when place_from_last = 1
                then note_amount - (sum(note_share_amount) over (partition by credit_note_id, invoice_line_id) - note_share_amount)
            else note_share_amount
        end as note_amount
    from rounded
)

select
    credit_note_id,
    contract_line_id,
    cell_no,
    cast(sum(amount) as decimal(18,4)) as amount,
    cast(sum(note_amount) as decimal(18,4)) as note_amount
from settled
group by
    credit_note_id,
    contract_line_id,
    cell_no
