/*---
title = "Collected money by the invoice lines it pays and the periods they bill"
owner = "finance"
grain = ["event_id", "kind", "invoice_line_id", "owed_id", "cell_no"]

[columns]
event_id = { type = "text", doc = "The payment event, payment or write-off" }
kind = { type = "text", doc = "collected or written_off" }
invoice_id = { type = "text", doc = "The invoice; null where the payment names none" }
invoice_line_id = { type = "text", doc = "The line paid; null where the invoice has none posted" }
owed_id = { type = "text", doc = "Its contract line or commitment; null where the line is unmatched" }
cell_no = { type = "integer", doc = "Number of the period" }
account_id = { type = "text", doc = "The contract's account, else the one billed" }
currency = { type = "text", doc = "Contract currency, else the currency of the money" }
month_date = { type = "date", doc = "Month of the period's billable date; else of the line's issue, else of the event" }
is_unapproved = { type = "boolean", doc = "A write-off without approver or reason" }
event_amount = { type = "decimal(18,4)", doc = "The share before tax in the currency of the money" }
amount = { type = "decimal(18,4)", doc = "The share before tax in currency" }

[checks]
not_null = ["event_id", "kind", "month_date", "event_amount", "amount"]

[decisions]
spread = "Over the invoice's posted lines by amount, half up, the remainder to the last invoice_line_id, then like the line to its periods, the remainder to the last"
conversion = "A line's share is converted as the line was, half up once a line and event, before it goes to periods"
---*/
with collected_event as (
    select
        event_id,
        kind,
        invoice_id,
        account_id,
        currency,
        event_date,
        is_unapproved,
        amount,
        minor_digits
    from collected_event
),

posted_line as (
    select
        invoice_line_id,
        invoice_id,
        issued_date,
        amount,
        fx_rate,
        is_fx_divided
    from billed_line
    where state = 'posted'
),

line_place as (
    select
        invoice_line_id,
        owed_id,
        cell_no,
        account_id,
        currency,
        minor_digits,
        month_date,
        amount
    from line_place
),

weighed_line as (
    select
        posted_line.*,
        sum(amount) over (partition by invoice_id) as invoice_amount,
        row_number() over (partition by invoice_id order by invoice_line_id desc) = 1 as is_last
    from posted_line
),

event_line as (
    select
        collected_event.event_id,
        collected_event.kind,
        collected_event.invoice_id,
        collected_event.account_id,
        collected_event.currency,
        collected_event.event_date,
        collected_event.is_unapproved,
        collected_event.amount as event_amount,
        collected_event.minor_digits,
        weighed_line.invoice_line_id,
        weighed_line.issued_date,
        weighed_line.fx_rate,
        weighed_line.is_fx_divided,
        coalesce(weighed_line.is_last, true) as is_last_line,
        weighed_line.amount as line_amount,
        nullif(weighed_line.invoice_amount, 0) as invoice_amount,
        cast(round(
            cast(collected_event.amount as double) * cast(weighed_line.amount as double)
            / cast(nullif(weighed_line.invoice_amount, 0) as double)
        ) as decimal(38, 0)) as line_whole
    from collected_event
    left join weighed_line
        on collected_event.invoice_id = weighed_line.invoice_id
),

-- The whole part by rounding, the rest exactly, so that halves survive large amounts.
shared_line as (
    select
        event_line.*,
        line_whole + cast(cast(
            cast(event_amount as decimal(38, 4)) * cast(line_amount as decimal(18, 4)) - line_whole * cast(invoice_amount as decimal(18, 4))
            as double) / cast(invoice_amount as double) as decimal(38, 10)) as line_share
    from event_line
),

rounded_line as (
    select
        shared_line.*,
        coalesce(case
            when minor_digits = 0 then cast(round(line_share, 0) as decimal(18, 4))
            when minor_digits = 3 then cast(round(line_share, 3) as decimal(18, 4))
            else cast(round(line_share, 2) as decimal(18, 4))
        end, cast(0 as decimal(18, 4))) as rounded_amount
    from shared_line
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

weighed_place as (
    select
        line_place.*,
        sum(amount) over (partition by invoice_line_id) as placed_amount,
        row_number() over (partition by invoice_line_id order by cell_no desc, owed_id desc) = 1 as is_last
    from line_place
),

event_place as (
    select
        settled_line.event_id,
        settled_line.kind,
        settled_line.invoice_id,
        settled_line.invoice_line_id,
        settled_line.event_date,
        settled_line.issued_date,
        settled_line.is_unapproved,
        settled_line.minor_digits,
        settled_line.settled_amount,
        weighed_place.owed_id,
        weighed_place.cell_no,
        coalesce(weighed_place.account_id, settled_line.account_id) as account_id,
        coalesce(weighed_place.currency, settled_line.currency) as currency,
        weighed_place.month_date,
        coalesce(weighed_place.minor_digits, settled_line.minor_digits) as place_digits,
        weighed_place.amount as place_amount,
        weighed_place.placed_amount,
        coalesce(weighed_place.is_last, true) as is_last_place,
        cast(case
            when weighed_place.owed_id is null or settled_line.fx_rate is null then settled_line.settled_amount
            when settled_line.is_fx_divided then cast(settled_line.settled_amount as double) / cast(settled_line.fx_rate as double)
            else cast(settled_line.settled_amount as double) * cast(settled_line.fx_rate as double)
        end as decimal(38, 10)) as converted_exact
    from settled_line
    left join weighed_place
        on settled_line.invoice_line_id = weighed_place.invoice_line_id
),

converted as (
    select
        event_place.*,
        case
            when place_digits = 0 then cast(round(converted_exact, 0) as decimal(18, 4))
            when place_digits = 3 then cast(round(converted_exact, 3) as decimal(18, 4))
            else cast(round(converted_exact, 2) as decimal(18, 4))
        end as converted_amount
    from event_place
),

halved_place as (
    select
        converted.*,
        cast(round(
            cast(settled_amount as double) * cast(place_amount as double) / cast(nullif(placed_amount, 0) as double)
        ) as decimal(38, 0)) as event_whole,
        cast(round(
            cast(converted_amount as double) * cast(place_amount as double) / cast(nullif(placed_amount, 0) as double)
        ) as decimal(38, 0)) as place_whole
    from converted
),

shared as (
    select
        halved_place.*,
        event_whole + cast(cast(
            cast(settled_amount as decimal(38, 4)) * cast(place_amount as decimal(18, 4)) - event_whole * cast(placed_amount as decimal(18, 4))
            as double) / cast(nullif(placed_amount, 0) as double) as decimal(38, 10)) as event_share,
        place_whole + cast(cast(
            cast(converted_amount as decimal(38, 4)) * cast(place_amount as decimal(18, 4)) - place_whole * cast(placed_amount as decimal(18, 4))
            as double) / cast(nullif(placed_amount, 0) as double) as decimal(38, 10)) as place_share
    from halved_place
),

rounded_place as (
    select
        shared.*,
        coalesce(case
            when minor_digits = 0 then cast(round(event_share, 0) as decimal(18, 4))
            when minor_digits = 3 then cast(round(event_share, 3) as decimal(18, 4))
            else cast(round(event_share, 2) as decimal(18, 4))
        end, cast(0 as decimal(18, 4))) as event_part,
        coalesce(case
            when place_digits = 0 then cast(round(place_share, 0) as decimal(18, 4))
            when place_digits = 3 then cast(round(place_share, 3) as decimal(18, 4))
            else cast(round(place_share, 2) as decimal(18, 4))
        end, cast(0 as decimal(18, 4))) as place_part
    from shared
)

select
    event_id,
    kind,
    invoice_id,
    invoice_line_id,
    owed_id,
    cell_no,
    account_id,
    currency,
    coalesce(
        month_date,
        cast(date_trunc('month', issued_date) as date),
        cast(date_trunc('month', event_date) as date)
    ) as month_date,
    is_unapproved,
    cast(case
        when is_last_place
            then settled_amount - sum(case when is_last_place then cast(0 as decimal(18, 4)) else event_part end)
                over (partition by event_id, kind, invoice_line_id)
        else event_part
    end as decimal(18, 4)) as event_amount,
    cast(case
        when is_last_place
            then converted_amount - sum(case when is_last_place then cast(0 as decimal(18, 4)) else place_part end)
                over (partition by event_id, kind, invoice_line_id)
        else place_part
    end as decimal(18, 4)) as amount
from rounded_place
