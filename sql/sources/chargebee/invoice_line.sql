/*---
title = "Lines of Chargebee invoices"
owner = "finance"

[decisions]
current = "Lines of a pending invoice come and go: those count that were seen with the invoice's present subtotal"
net = "Chargebee's amount is before discounts: what they took off the line is subtracted"
kind = "Plans and addons recur, metered ones are usage, anything else is a one-off; below zero and no plan or addon it is a credit"
discount = "Chargebee leaves out what there is none of: no discount on a line is none"
---*/
with invoice as (
    select
        id,
        sub_total
    from landed.invoice
),

rest_line as (
    select
        listed.id,
        listed.invoice_id,
        listed.invoice_sub_total,
        listed.price_type,
        listed.subscription_id,
        listed.entity_type,
        listed.entity_id,
        listed.description,
        listed.quantity,
        coalesce(listed.unit_price_in_decimal, listed.unit_price) as unit_price,
        listed.pricing_model,
        listed.is_metered,
        listed.gross_amount,
        listed.discount_amount,
        listed.tax_amount,
        listed.service_start_at,
        listed.service_end_at
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
        shown.price_type,
        shown.subscription_id,
        shown.entity_type,
        shown.entity_id,
        shown.description,
        shown.quantity,
        coalesce(shown.unit_price_in_decimal, shown.unit_price) as unit_price,
        shown.pricing_model,
        shown.is_metered,
        shown.gross_amount,
        shown.discount_amount,
        shown.tax_amount,
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
        invoice_sub_total,
        price_type,
        subscription_id,
        entity_type,
        entity_id,
        description,
        quantity,
        unit_price,
        pricing_model,
        is_metered,
        gross_amount,
        discount_amount,
        tax_amount,
        service_start_at,
        service_end_at
    from rest_line
),

item_price as (
    select
        id,
        item_id
    from landed.item_price
),

item as (
    select
        id,
        unit,
        is_metered
    from landed.item
)

select
    line.id as invoice_line_id,
    line.invoice_id,
    case
        when line.subscription_id is not null and line.entity_type in ('plan_item_price', 'addon_item_price', 'charge_item_price')
            then concat(line.subscription_id, '/', line.entity_id)
    end as contract_line_id,
    coalesce(item_price.item_id, line.entity_id) as product_id,
    line.description,
    case
        when line.entity_type in ('plan_item_price', 'addon_item_price')
            then case when coalesce(line.is_metered, item.is_metered, false) then 'usage' else 'recurring' end
        when line.gross_amount < 0 then 'credit'
        else 'one_off'
    end as kind,
    cast(line.quantity as decimal(18,6)) as quantity,
    item.unit,
    cast(case
        when coalesce(line.pricing_model, 'per_unit') in ('per_unit', 'flat_fee') then round(line.unit_price, 8)
    end as decimal(18,8)) as unit_price,
    cast(line.gross_amount as decimal(18,4)) as gross_amount,
    cast(coalesce(line.discount_amount, 0) as decimal(18,4)) as discount_amount,
    cast(line.gross_amount - coalesce(line.discount_amount, 0) as decimal(18,4)) as amount,
    cast(line.tax_amount as decimal(18,4)) as tax_amount,
    line.price_type = 'tax_inclusive' as is_tax_inclusive,
    case when line.service_start_at < line.service_end_at then cast(line.service_start_at as date) end as service_start_date,
    case when line.service_start_at < line.service_end_at then cast(line.service_end_at as date) end as service_end_date,
    line.id as source_id
from line
inner join invoice
    on line.invoice_id = invoice.id
    and line.gross_amount is not null
    and line.invoice_sub_total is not distinct from invoice.sub_total
left join item_price
    on line.entity_id = item_price.id
left join item
    on item_price.item_id = item.id
