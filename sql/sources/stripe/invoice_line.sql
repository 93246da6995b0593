/*---
title = "Lines of Stripe invoices"
owner = "finance"

[decisions]
current = "Lines of a draft come and go: those count that were seen with the invoice's present subtotal, discounts with its present net, taxes with its total"
net = "Stripe's amount is before discounts: what they took off the line is subtracted"
kind = "Proration as Stripe marks it; what belongs to no subscription is a one-off, below zero a credit"
moment = "A line whose service begins and ends in one moment has no service days"
---*/
with invoice as (
    select
        id,
        subtotal,
        total_excluding_tax,
        total
    from landed.invoice
),

last_event as (
    select
        invoice_id,
        subtotal,
        total_excluding_tax,
        total
    from landed.invoice_event
    qualify row_number() over (partition by invoice_id order by happened_at desc, id desc) = 1
),

-- The amounts by which lines, discounts and taxes are known to be the present ones.
present as (
    select
        invoice.id,
        coalesce(last_event.subtotal, invoice.subtotal) as subtotal,
        coalesce(last_event.total_excluding_tax, invoice.total_excluding_tax) as net,
        coalesce(last_event.total, invoice.total) as total
    from invoice
    left join last_event
        on invoice.id = last_event.invoice_id
),

rest_line as (
    select
        listed.id,
        listed.invoice_id,
        listed.item_id,
        listed.subscription_id,
        listed.is_proration,
        listed.price_id,
        listed.product_id,
        listed.unit_price,
        listed.quantity,
        listed.description,
        listed.gross_amount,
        listed.service_start_at,
        listed.service_end_at
    from landed.invoice_line_rest as listed
    inner join present
        on listed.invoice_id = present.id
        and listed.invoice_subtotal is not distinct from present.subtotal
),

-- A long invoice's own list has all its lines, those that stand in the invoice too.
line as (
    select
        shown.id,
        shown.invoice_id,
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
    inner join present
        on shown.invoice_id = present.id
        and shown.invoice_subtotal is not distinct from present.subtotal
    left join rest_line
        on shown.id = rest_line.id
    where rest_line.id is null
    union all
    select
        id,
        invoice_id,
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
    inner join present
        on shown.invoice_id = present.id
        and shown.invoice_net is not distinct from present.net
    left join rest_line
        on shown.invoice_line_id = rest_line.id
    where rest_line.id is null
    union all
    select
        listed.invoice_line_id,
        listed.amount
    from landed.invoice_line_rest_discount as listed
    inner join present
        on listed.invoice_id = present.id
        and listed.invoice_net is not distinct from present.net
    inner join rest_line
        on listed.invoice_line_id = rest_line.id
),

line_tax as (
    select
        shown.invoice_line_id,
        shown.amount,
        shown.behavior
    from landed.invoice_line_tax as shown
    inner join present
        on shown.invoice_id = present.id
        and shown.invoice_total is not distinct from present.total
    left join rest_line
        on shown.invoice_line_id = rest_line.id
    where rest_line.id is null
    union all
    select
        listed.invoice_line_id,
        listed.amount,
        listed.behavior
    from landed.invoice_line_rest_tax as listed
    inner join present
        on listed.invoice_id = present.id
        and listed.invoice_total is not distinct from present.total
    inner join rest_line
        on listed.invoice_line_id = rest_line.id
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
)

select
    line.id as invoice_line_id,
    line.invoice_id,
    line.item_id as contract_line_id,
    line.product_id,
    line.description,
    case
        when line.is_proration then 'proration'
        when line.item_id is null and line.subscription_id is null and line.gross_amount < 0 then 'credit'
        when line.item_id is null and line.subscription_id is null then 'one_off'
        when price.usage_type = 'metered' then 'usage'
        when line.item_id is null then 'one_off'
        else 'recurring'
    end as kind,
    cast(line.quantity as decimal(18,6)) as quantity,
    product.unit,
    cast(price.divide_by as decimal(18,6)) as unit_size,
    cast(round(line.unit_price, 8) as decimal(18,8)) as unit_price,
    cast(line.gross_amount as decimal(18,4)) as gross_amount,
    cast(coalesce(discounted.amount, 0) as decimal(18,4)) as discount_amount,
    cast(line.gross_amount - coalesce(discounted.amount, 0) as decimal(18,4)) as amount,
    cast(taxed.amount as decimal(18,4)) as tax_amount,
    taxed.is_inclusive as is_tax_inclusive,
    case when line.service_start_at < line.service_end_at then cast(line.service_start_at as date) end as service_start_date,
    case when line.service_start_at < line.service_end_at then cast(line.service_end_at as date) end as service_end_date,
    line.id as source_id
from line
left join price
    on line.price_id = price.id
left join product
    on line.product_id = product.id
left join discounted
    on line.id = discounted.invoice_line_id
left join taxed
    on line.id = taxed.invoice_line_id
where line.gross_amount is not null
