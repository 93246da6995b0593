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
spread = "A line's share of a note goes where the line went, half up, the remainder to its last period"
conversion = "A note in the invoice's currency is converted like the line, half up once a line; one in the contract's stands as it is; any other currency is left out"
---*/
with credit_note_share as (
    select
        credit_note_id,
        invoice_line_id,
        currency,
        note_digits,
        amount
    from credit_note_share
),

billed_line as (
    select
        invoice_line_id,
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

-- In the contract's currency: as it stands, or converted like the line it gives back.
matched as (
    select
        credit_note_share.credit_note_id,
        credit_note_share.invoice_line_id,
        credit_note_share.amount as note_amount,
        credit_note_share.note_digits,
        line_allocation.contract_line_id,
        line_allocation.cell_no,
        line_allocation.amount as cell_amount,
        line_grid.minor_digits,
        case
            when credit_note_share.currency = line_grid.currency then cast(credit_note_share.amount as decimal(38,10))
            when billed_line.is_fx_divided then cast(cast(credit_note_share.amount as double) / cast(billed_line.fx_rate as double) as decimal(38,10))
            else cast(cast(credit_note_share.amount as decimal(38,4)) * billed_line.fx_rate as decimal(38,10))
        end as line_exact
    from credit_note_share
    inner join billed_line
        on credit_note_share.invoice_line_id = billed_line.invoice_line_id
    inner join line_allocation
        on credit_note_share.invoice_line_id = line_allocation.invoice_line_id
    inner join line_grid
        on line_allocation.contract_line_id = line_grid.contract_line_id
    where credit_note_share.currency = line_grid.currency
        or credit_note_share.currency = billed_line.currency
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

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
halved as (
    select
        converted.*,
        cast(round(cast(line_amount as double) * cast(cell_amount as double) / cast(nullif(cells_amount, 0) as double)) as decimal(38,0)) as line_whole,
        cast(round(cast(note_amount as double) * cast(cell_amount as double) / cast(nullif(cells_amount, 0) as double)) as decimal(38,0)) as note_whole
    from converted
),

spread as (
    select
        halved.*,
        case
            when cells_amount = 0 then cast(0 as decimal(38,10))
            else line_whole + cast(cast(
                cast(line_amount as decimal(38,4)) * cast(cell_amount as decimal(18,4)) - line_whole * cast(cells_amount as decimal(18,4))
                as double) / cast(cells_amount as double) as decimal(38,10))
        end as share,
        case
            when cells_amount = 0 then cast(0 as decimal(38,10))
            else note_whole + cast(cast(
                cast(note_amount as decimal(38,4)) * cast(cell_amount as decimal(18,4)) - note_whole * cast(cells_amount as decimal(18,4))
                as double) / cast(cells_amount as double) as decimal(38,10))
        end as note_share
    from halved
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
