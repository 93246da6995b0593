/*---
title = "List prices"
owner = "finance"
grain = ["product_id", "segment", "currency", "unit", "valid_from_date"]

[columns]
product_id = { type = "text", doc = "The product" }
segment = { type = "text", doc = "The segment it holds for; all where null" }
currency = { type = "text", doc = "ISO 4217 currency" }
list_price = { type = "decimal(18,8)", doc = "List price of one unit per price_period" }
unit = { type = "text", doc = "What is counted" }
price_period = { type = "text", doc = "month, quarter, year or once" }
valid_from_date = { type = "date", doc = "First day it holds" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["product_id", "currency", "list_price", "valid_from_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "segment, unit may be null: a null is one value of the key"
---*/
select
    product_id,
    segment,
    currency,
    list_price,
    unit,
    price_period,
    valid_from_date,
    source,
    source_id
from provided.price_book
qualify row_number() over (partition by product_id, segment, currency, unit, valid_from_date order by _landed desc) = 1
