/*---
title = "Collected money by the invoice lines it pays and the periods they bill"
owner = "finance"
grain = ["event_id", "kind", "invoice_line_id", "cell_no"]

[columns]
event_id = { type = "text", doc = "The payment event, payment or write-off" }
kind = { type = "text", doc = "collected or written_off" }
invoice_line_id = { type = "text", doc = "The line paid; null where the invoice has none posted" }
contract_line_id = { type = "text", doc = "Its contract line; null where the line is unmatched" }
cell_no = { type = "integer", doc = "Number of the period in the contract line's grid" }
account_id = { type = "text", doc = "The account billed" }
currency = { type = "text", doc = "Currency of the money" }
event_date = { type = "date", doc = "Day it happened" }
amount = { type = "decimal(18,4)", doc = "The share, before tax" }

[checks]
not_null = ["event_id", "kind", "amount"]

[decisions]
spread = "Over the invoice's posted lines by amount, half up, the remainder to the last invoice_line_id, then like the line to its periods, the remainder to the last"
---*/
with collected_event as (
    select
        event_id,
        kind,
        invoice_id,
        account_id,
        currency,
        event_date,
        amount,
        minor_digits
    from collected_event
),

posted_line as (
    select
        invoice_line_id,
        invoice_id,
        amount
    from billed_line
    where state = 'posted'
),

line_allocation as (
    select
        invoice_line_id,
        contract_line_id,
        cell_no,
        amount
    from line_allocation
),

weighed_line as (
    select
        invoice_line_id,
        invoice_id,
        amount,
        sum(amount) over (partition by invoice_id) as invoice_amount,
        row_number() over (partition by invoice_id order by invoice_line_id desc) = 1 as is_last
    from posted_line
),

event_line as (
    select
        collected_event.event_id,
        collected_event.kind,
        collected_event.account_id,
        collected_event.currency,
        collected_event.event_date,
        collected_event.amount as event_amount,
        collected_event.minor_digits,
        weighed_line.invoice_line_id,
        weighed_line.amount as line_amount,
        coalesce(weighed_line.is_last, true) as is_last_line,
        cast(
            cast(collected_event.amount as double) * cast(weighed_line.amount as double)
            / cast(nullif(weighed_line.invoice_amount, 0) as double) as decimal(38, 10)
        ) as line_share
    from collected_event
    left join weighed_line
        on collected_event.invoice_id = weighed_line.invoice_id
),

rounded_line as (
    select
        event_line.*,
        coalesce(case
            when minor_digits = 0 then cast(round(line_share, 0) as decimal(18, 4))
            when minor_digits = 3 then cast(round(line_share, 3) as decimal(18, 4))
            else cast(round(line_share, 2) as decimal(18, 4))
        end, cast(0 as decimal(18, 4))) as rounded_amount
    from event_line
),

-- The last line takes what rounding left over, so that every cent of the event lies on one line.
settled_line as (
    select
        rounded_line.*,
        cast(case
            when is_last_line
                then event_amount - sum(case when is_last_line then cast(0 as decimal(18, 4)) else rounded_amount end)
                    over (partition by event_id, kind)
            else rounded_amount
        end as decimal(18, 4)) as settled_amount
    from rounded_line
),

weighed_cell as (
    select
        invoice_line_id,
        contract_line_id,
        cell_no,
        amount,
        sum(amount) over (partition by invoice_line_id) as allocated_amount,
        row_number() over (partition by invoice_line_id order by cell_no desc) = 1 as is_last
    from line_allocation
),

event_cell as (
    select
        settled_line.*,
        weighed_cell.contract_line_id,
        weighed_cell.cell_no,
        coalesce(weighed_cell.is_last, true) as is_last_cell,
        cast(
            cast(settled_line.settled_amount as double) * cast(weighed_cell.amount as double)
            / cast(nullif(weighed_cell.allocated_amount, 0) as double) as decimal(38, 10)
        ) as cell_share
    from settled_line
    left join weighed_cell
        on settled_line.invoice_line_id = weighed_cell.invoice_line_id
),

rounded_cell as (
    select
        event_cell.*,
        coalesce(case
            when minor_digits = 0 then cast(round(cell_share, 0) as decimal(18, 4))
            when minor_digits = 3 then cast(round(cell_share, 3) as decimal(18, 4))
            else cast(round(cell_share, 2) as decimal(18, 4))
        end, cast(0 as decimal(18, 4))) as cell_amount
    from event_cell
)

select
    event_id,
    kind,
    invoice_line_id,
    contract_line_id,
    cell_no,
    account_id,
    currency,
    event_date,
    cast(case
        when is_last_cell
            then settled_amount - sum(case when is_last_cell then cast(0 as decimal(18, 4)) else cell_amount end)
                over (partition by event_id, kind, invoice_line_id)
        else cell_amount
    end as decimal(18, 4)) as amount
from rounded_cell
