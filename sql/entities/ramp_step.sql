/*---
title = "Ramp steps"
owner = "finance"
grain = ["term_source", "contract_line_id", "version", "start_date"]

[columns]
contract_line_id = { type = "text", doc = "The contract line" }
version = { type = "integer", doc = "The version it belongs to; every version where null" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
start_date = { type = "date", doc = "First day of the step" }
quantity = { type = "decimal(18,6)", doc = "Quantity from then on" }
unit_price = { type = "decimal(18,8)", doc = "Price from then on" }
discount_pct = { type = "decimal(9,4)", doc = "Discount from then on, percent points" }
commit_amount = { type = "decimal(18,4)", doc = "Commitment from then on" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["contract_line_id", "term_source", "start_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "version may be null: a null is one value of the key"
---*/
select
    contract_line_id,
    version,
    term_source,
    start_date,
    quantity,
    unit_price,
    discount_pct,
    commit_amount,
    source,
    source_id
from provided.ramp_step
qualify row_number() over (partition by term_source, contract_line_id, version, start_date order by _landed desc) = 1
