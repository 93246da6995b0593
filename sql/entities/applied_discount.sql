/*---
title = "Discounts on invoice lines"
owner = "finance"
grain = ["applied_discount_id"]

[columns]
applied_discount_id = { type = "text", doc = "The applied discount" }
invoice_line_id = { type = "text", doc = "The invoice line" }
discount_id = { type = "text", doc = "The contract's discount, if known" }
code = { type = "text", doc = "Coupon or agreement code" }
kind = { type = "text", doc = "percent or amount" }
value = { type = "decimal(18,8)", doc = "Percent points, or an amount in the invoice's currency" }
amount = { type = "decimal(18,4)", doc = "What it took off" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["applied_discount_id", "invoice_line_id", "amount"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    applied_discount_id,
    invoice_line_id,
    discount_id,
    code,
    kind,
    value,
    amount,
    source,
    source_id
from provided.applied_discount
qualify row_number() over (partition by applied_discount_id order by _landed desc) = 1
