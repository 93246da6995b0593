/*---
title = "List prices under canonical products"
owner = "finance"
grain = ["product_id", "segment", "currency", "unit", "valid_from_date", "price_period", "list_price"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
product_id = { type = "text", doc = "Canonical product" }
segment = { type = "text", doc = "The segment it holds for; all where null" }
currency = { type = "text", doc = "ISO 4217 currency" }
unit = { type = "text", doc = "What is counted; any where null" }
list_price = { type = "decimal(18,8)", doc = "List price of one unit per price_period" }
price_period = { type = "text", doc = "month, quarter, year or once" }
price_period_months = { type = "integer", doc = "Months of it; null for once and unknown" }
valid_from_date = { type = "date", doc = "First day it holds" }

[checks]
not_null = ["product_id", "currency", "list_price", "valid_from_date"]
---*/
with price_book as (
    select
        product_id,
        segment,
        currency,
        list_price,
        unit,
        price_period,
        valid_from_date
    from price_book
),

canonical_id as (
    select
        external_id,
        canonical_id
    from canonical_id
    where kind = 'product'
)

select distinct
    coalesce(canonical_id.canonical_id, price_book.product_id) as product_id,
    price_book.segment,
    price_book.currency,
    price_book.unit,
    price_book.list_price,
    price_book.price_period,
    cast(case price_book.price_period when 'month' then 1 when 'quarter' then 3 when 'year' then 12 end as bigint) as price_period_months,
    price_book.valid_from_date
from price_book
left join canonical_id
    on price_book.product_id = canonical_id.external_id
