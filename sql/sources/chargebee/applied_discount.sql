/*---
title = "Discounts on lines of Chargebee invoices"
owner = "finance"

[decisions]
known = "A coupon's discount of the line's subscription, or a manual discount by its own id; others are known by their code alone"
current = "Discounts of the lines that count"
---*/
with invoice as (
    select
        id,
        sub_total,
        total
    from landed.invoice
),

rest_line as (
    select
        listed.id,
        listed.invoice_id,
        listed.invoice_sub_total,
        listed.subscription_id,
        listed.entity_id
    from landed.invoice_line_rest as listed
    inner join invoice
        on listed.invoice_id = invoice.id
        and listed.invoice_sub_total is not distinct from invoice.sub_total
),

-- The page of a long invoice may repeat lines that were listed.
line as (
    select
        shown.id,
        shown.invoice_id,
        shown.invoice_sub_total,
        shown.subscription_id,
        shown.entity_id
    from landed.invoice_line as shown
    left join rest_line
        on shown.id = rest_line.id
    where rest_line.id is null
    union all
    select
        id,
        invoice_id,
        invoice_sub_total,
        subscription_id,
        entity_id
    from rest_line
),

line_discount as (
    select
        line_id,
        invoice_total,
        position,
        coalesce(coupon_id, entity_id) as discount_id,
        amount
    from landed.invoice_line_discount
),

coupon as (
    select
        id,
        percent,
        amount,
        apply_on
    from landed.coupon
),

subscription_discount as (
    select
        id,
        percent,
        amount
    from landed.subscription_discount
)

select
    concat(line_discount.line_id, '/', line_discount.discount_id) as applied_discount_id,
    line_discount.line_id as invoice_line_id,
    case
        when coupon.apply_on = 'each_specified_item'
            then concat(line.subscription_id, '/', coupon.id, '/', line.entity_id)
        when coupon.id is not null and line.subscription_id is not null then concat(line.subscription_id, '/', coupon.id)
        when subscription_discount.id is not null then subscription_discount.id
    end as discount_id,
    line_discount.discount_id as code,
    case
        when coalesce(coupon.percent, subscription_discount.percent) is not null then 'percent'
        when coalesce(coupon.amount, subscription_discount.amount) is not null then 'amount'
    end as kind,
    cast(round(coalesce(
        coupon.percent,
        subscription_discount.percent,
        coupon.amount,
        subscription_discount.amount
    ), 8) as decimal(18,8)) as value,
    cast(line_discount.amount as decimal(18,4)) as amount,
    line_discount.discount_id as source_id
from line_discount
inner join line
    on line_discount.line_id = line.id
inner join invoice
    on line.invoice_id = invoice.id
    and (line.invoice_sub_total is not distinct from invoice.sub_total)
    and (line_discount.invoice_total is not distinct from invoice.total)
left join coupon
    on line_discount.discount_id = coupon.id
left join subscription_discount
    on line_discount.discount_id = subscription_discount.id
where line_discount.amount <> 0
qualify row_number() over (
    partition by line_discount.line_id, line_discount.discount_id
    order by line_discount.position desc
) = 1
