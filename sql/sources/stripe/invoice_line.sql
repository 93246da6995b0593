/*---
title = "Lines of Stripe invoices"
owner = "finance"

[decisions]
current = "Lines of a draft come and go: those count that were seen with the invoice's present subtotal"
net = "Stripe's amount is before discounts: what they took off the line is subtracted"
kind = "Proration as Stripe marks it; what belongs to no subscription is a one-off, below zero a credit"
moment = "A line whose service begins and ends in one moment has no service days"
---*/
with invoice as (
    select
        id,
        subtotal
    from landed.invoice
),

last_event as (
    select
        invoice_id,
        subtotal
    from landed.invoice_event
    qualify row_number() over (partition by invoice_id order by happened_at desc, id desc) = 1
),

rest_line as (
    select
        id,
        invoice_id,
        invoice_subtotal,
        item_id,
        subscription_id,
        is_proration,
        price_id,
        product_id,
        unit_price,
        quantity,
        description,
        gross_amount,
        service_start_at,
        service_end_at
    from landed.invoice_line_rest
),

-- A long invoice's own list has all its lines, those that stand in the invoice too.
line as (
    select
        shown.id,
        shown.invoice_id,
        shown.invoice_subtotal,
        shown.item_id,
        shown.subscription_id,
        shown.is_proration,
        shown.price_id,
        shown.product_id,
        shown.unit_price,
        shown.quantity,
        shown.description,
        shown.gross_amount,
        shown.service_start_at,
        shown.service_end_at
    from landed.invoice_line as shown
    left join rest_line
        on shown.id = rest_line.id
    where rest_line.id is null
    union all
    select
        id,
        invoice_id,
        invoice_subtotal,
        item_id,
        subscription_id,
        is_proration,
        price_id,
        product_id,
        unit_price,
        quantity,
        description,
        gross_amount,
        service_start_at,
        service_end_at
    from rest_line
),

line_discount as (
    select
        shown.invoice_line_id,
        shown.amount
    from landed.invoice_line_discount as shown
    left join rest_line
        on shown.invoice_line_id = rest_line.id
    where rest_line.id is null
    union all
    select
        invoice_line_id,
        amount
    from landed.invoice_line_rest_discount
),

line_tax as (
    select
        shown.invoice_line_id,
        shown.amount,
        shown.behavior
    from landed.invoice_line_tax as shown
    left join rest_line
        on shown.invoice_line_id = rest_line.id
    where rest_line.id is null
    union all
    select
        invoice_line_id,
        amount,
        behavior
    from landed.invoice_line_rest_tax
),

price as (
    select
        id,
        usage_type,
        divide_by
    from landed.price
),

product as (
    select
        id,
        unit
    from landed.product
),

discounted as (
    select
        invoice_line_id,
        sum(amount) as amount
    from line_discount
    group by invoice_line_id
),

taxed as (
    select
        invoice_line_id,
        sum(amount) as amount,
        bool_or(behavior = 'inclusive') as is_inclusive
    from line_tax
    group by invoice_line_id
),

current_line as (
    select
        line.*,
        line.service_start_at < line.service_end_at as has_days
    from line
    inner join invoice
        on line.invoice_id = invoice.id
    left join last_event
        on line.invoice_id = last_event.invoice_id
    where line.gross_amount is not null
        and line.invoice_subtotal is not distinct from coalesce(last_event.subtotal, invoice.subtotal)
)

select
    current_line.id as invoice_line_id,
    current_line.invoice_id,
    current_line.item_id as contract_line_id,
    current_line.product_id,
    current_line.description,
    case
        when current_line.is_proration then 'proration'
        when current_line.item_id is null and current_line.subscription_id is null and current_line.gross_amount < 0 then 'credit'
        when current_line.item_id is null and current_line.subscription_id is null then 'one_off'
        when price.usage_type = 'metered' then 'usage'
        when current_line.item_id is null then 'one_off'
        else 'recurring'
    end as kind,
    cast(current_line.quantity as decimal(18,6)) as quantity,
    product.unit,
    cast(price.divide_by as decimal(18,6)) as unit_size,
    cast(round(current_line.unit_price, 8) as decimal(18,8)) as unit_price,
    cast(current_line.gross_amount as decimal(18,4)) as gross_amount,
    cast(coalesce(discounted.amount, 0) as decimal(18,4)) as discount_amount,
    cast(current_line.gross_amount - coalesce(discounted.amount, 0) as decimal(18,4)) as amount,
    cast(taxed.amount as decimal(18,4)) as tax_amount,
    taxed.is_inclusive as is_tax_inclusive,
    case when current_line.has_days then cast(current_line.service_start_at as date) end as service_start_date,
    case when current_line.has_days then cast(current_line.service_end_at as date) end as service_end_date,
    current_line.id as source_id
from current_line
left join price
    on current_line.price_id = price.id
left join product
    on current_line.product_id = product.id
left join discounted
    on current_line.id = discounted.invoice_line_id
left join taxed
    on current_line.id = taxed.invoice_line_id
