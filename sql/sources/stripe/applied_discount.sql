/*---
title = "Discounts on lines of Stripe invoices"
owner = "finance"

[decisions]
known = "A discount of a subscription keeps its id on the invoice; any other is known by its coupon alone"
nothing = "A discount that took nothing off a line is left out"
---*/
with invoice as (
    select
        id,
        subtotal,
        total_excluding_tax
    from landed.invoice
),

last_event as (
    select
        invoice_id,
        subtotal,
        total_excluding_tax
    from landed.invoice_event
    qualify row_number() over (partition by invoice_id order by happened_at desc, id desc) = 1
),

-- As in invoice_line: what was seen with the invoice's present amounts.
present as (
    select
        invoice.id,
        coalesce(last_event.subtotal, invoice.subtotal) as subtotal,
        coalesce(last_event.total_excluding_tax, invoice.total_excluding_tax) as net
    from invoice
    left join last_event
        on invoice.id = last_event.invoice_id
),

rest_line as (
    select listed.id
    from landed.invoice_line_rest as listed
    inner join present
        on listed.invoice_id = present.id
        and listed.invoice_subtotal is not distinct from present.subtotal
),

-- A long invoice's own list has all its lines, those that stand in the invoice too.
line_discount as (
    select
        shown.invoice_line_id,
        shown.discount_id,
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
        listed.discount_id,
        listed.amount
    from landed.invoice_line_rest_discount as listed
    inner join present
        on listed.invoice_id = present.id
        and listed.invoice_net is not distinct from present.net
    inner join rest_line
        on listed.invoice_line_id = rest_line.id
),

-- One discount stands on many invoices.
invoice_discount as (
    select
        discount_id,
        subscription_id,
        promotion_code_id,
        coupon_id
    from landed.invoice_discount
    qualify row_number() over (partition by discount_id order by invoice_id desc) = 1
),

coupon as (
    select
        id,
        percent_off,
        amount_off
    from landed.coupon
)

select
    concat(line_discount.invoice_line_id, '/', line_discount.discount_id) as applied_discount_id,
    line_discount.invoice_line_id,
    case when invoice_discount.subscription_id is not null then line_discount.discount_id end as discount_id,
    coalesce(invoice_discount.promotion_code_id, invoice_discount.coupon_id) as code,
    case
        when coupon.percent_off is not null then 'percent'
        when coupon.amount_off is not null then 'amount'
    end as kind,
    cast(round(coalesce(coupon.percent_off, coupon.amount_off), 8) as decimal(18,8)) as value,
    cast(line_discount.amount as decimal(18,4)) as amount,
    line_discount.discount_id as source_id
from line_discount
left join invoice_discount
    on line_discount.discount_id = invoice_discount.discount_id
left join coupon
    on invoice_discount.coupon_id = coupon.id
where line_discount.amount <> 0
