/*---
title = "Every cent of every posted invoice line stands in one place"
owner = "finance"
severity = "block"

[columns]
currency = { type = "text", doc = "Currency" }
posted_amount = { type = "decimal(18,4)", doc = "Posted invoice lines without credits" }
placed_amount = { type = "decimal(18,4)", doc = "In obligations, billed or reversed, and unmatched" }
---*/
with invoice as (
    select
        invoice_id,
        status,
        currency,
        created_at,
        issued_date,
        finalized_at,
        subtotal,
        tax,
        total,
        voided_at
    from invoice
),

billed_line as (
    select
        invoice_line_id,
        contract_line_id,
        fx_rate,
        is_fx_divided
    from billed_line
    where fx_rate is not null
),

line_grid as (
    select
        contract_line_id,
        currency,
        minor_digits
    from line_grid
),

invoice_line as (
    select
        invoice_line_id,
        invoice_id,
        kind,
        description,
        amount,
        tax_amount,
        is_tax_inclusive
    from invoice_line
),

obligation as (
    select
        currency,
        billed_amount,
        reversed_amount
    from obligation
),

unmatched_invoice_line as (
    select
        currency,
        amount
    from unmatched_invoice_line
    where not is_credit
),

posted_invoice as (
    select
        invoice_id,
        currency,
        coalesce(subtotal, total - coalesce(tax, 0)) as net_amount
    from invoice
    where coalesce(issued_date, cast(finalized_at as date), cast(created_at as date)) <= cast($as_of as date)
        and lower(status) <> 'draft'
        and (voided_at is null or voided_at >= cast($as_of_end as timestamp))
        and (lower(status) <> 'void' or voided_at is not null)
),

lined as (
    select distinct invoice_id
    from invoice_line
),

-- Read straight from the invoices; only the rate of lines in another currency than their contract's is taken over.
posted_line as (
    select
        posted_invoice.currency,
        invoice_line.invoice_line_id,
        invoice_line.amount - case when coalesce(invoice_line.is_tax_inclusive, false) then coalesce(invoice_line.tax_amount, 0) else 0 end as amount
    from invoice_line
    inner join posted_invoice
        on invoice_line.invoice_id = posted_invoice.invoice_id
    where invoice_line.kind <> 'credit'
        and (
            invoice_line.amount >= 0
            or invoice_line.kind in ('proration', 'discount')
            or (
                invoice_line.kind in ('recurring', 'usage', 'one_off')
                and (lower(invoice_line.description) like '%discount%' or lower(invoice_line.description) like '%coupon%')
            )
        )
    union all
    select
        posted_invoice.currency,
        posted_invoice.invoice_id as invoice_line_id,
        posted_invoice.net_amount as amount
    from posted_invoice
    left join lined
        on posted_invoice.invoice_id = lined.invoice_id
    where lined.invoice_id is null
        and posted_invoice.net_amount > 0
),

halved as (
    select
        coalesce(line_grid.currency, posted_line.currency) as currency,
        line_grid.currency is not null as is_converted,
        line_grid.minor_digits,
        posted_line.amount,
        billed_line.fx_rate,
        billed_line.is_fx_divided,
        case
            when billed_line.is_fx_divided
                then cast(round(cast(posted_line.amount as double) / cast(billed_line.fx_rate as double)) as decimal(38,0))
        end as amount_whole
    from posted_line
    left join billed_line
        on posted_line.invoice_line_id = billed_line.invoice_line_id
    left join line_grid
        on billed_line.contract_line_id = line_grid.contract_line_id
),

-- Converted as placed_line does: the whole part by rounding, the rest exactly.
converted as (
    select
        currency,
        minor_digits,
        amount,
        case
            when not is_converted then cast(amount as decimal(38,10))
            when is_fx_divided then amount_whole + cast(cast(
                cast(amount as decimal(38,4)) - amount_whole * fx_rate as double) / cast(fx_rate as double) as decimal(38,10))
            else cast(cast(amount as decimal(38,4)) * fx_rate as decimal(38,10))
        end as amount_exact
    from halved
),

posted as (
    select
        currency,
        sum(case
            when minor_digits is null then amount
            when minor_digits = 0 then cast(round(amount_exact, 0) as decimal(18,4))
            when minor_digits = 3 then cast(round(amount_exact, 3) as decimal(18,4))
            else cast(round(amount_exact, 2) as decimal(18,4))
        end) as amount
    from converted
    group by currency
),

placed_row as (
    select
        currency,
        billed_amount + reversed_amount as amount
    from obligation
    union all
    select
        currency,
        amount
    from unmatched_invoice_line
),

placed as (
    select
        currency,
        sum(amount) as amount
    from placed_row
    group by currency
)

select
    coalesce(posted.currency, placed.currency) as currency,
    cast(coalesce(posted.amount, 0) as decimal(18,4)) as posted_amount,
    cast(coalesce(placed.amount, 0) as decimal(18,4)) as placed_amount
from posted
full outer join placed
    on posted.currency = placed.currency
where coalesce(posted.amount, 0) <> coalesce(placed.amount, 0)
