/*---
title = "Discounts"
owner = "finance"
grain = ["term_source", "discount_id"]

[columns]
discount_id = { type = "text", doc = "The discount" }
contract_id = { type = "text", doc = "The contract" }
contract_line_id = { type = "text", doc = "The line; the whole contract where null" }
version = { type = "integer", doc = "The version it belongs to; every version where null" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
kind = { type = "text", doc = "percent or amount" }
value = { type = "decimal(18,8)", doc = "Percent points, or an amount in the contract's currency" }
amount_per = { type = "text", doc = "period or once" }
stacking = { type = "text", doc = "multiplicative or additive" }
sequence = { type = "integer", doc = "Order in which discounts apply" }
start_date = { type = "date", doc = "First day of the discount" }
end_date = { type = "date", doc = "First day without it; open where null" }
end_basis = { type = "text", doc = "service or invoice: which date decides whether it still applies" }
code = { type = "text", doc = "Coupon or agreement code" }
reason = { type = "text", doc = "Why it was given" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["discount_id", "contract_id", "term_source", "kind", "value", "start_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    discount_id,
    contract_id,
    contract_line_id,
    version,
    term_source,
    kind,
    value,
    amount_per,
    stacking,
    sequence,
    start_date,
    end_date,
    end_basis,
    code,
    reason,
    source,
    source_id
from provided.discount
qualify row_number() over (partition by term_source, discount_id order by _landed desc) = 1
