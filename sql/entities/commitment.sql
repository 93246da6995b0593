/*---
title = "Minimum commitments"
owner = "finance"
grain = ["term_source", "commitment_id", "version"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
contract_id = { type = "text", doc = "The contract" }
version = { type = "integer", doc = "The version it belongs to; every version where null" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
amount = { type = "decimal(18,4)", doc = "Committed spend per period, contract currency" }
quantity = { type = "decimal(18,6)", doc = "Committed units per period" }
period = { type = "text", doc = "month, quarter, year or term" }
is_prepaid = { type = "boolean", doc = "Paid up front; what is not used expires" }
rollover = { type = "text", doc = "What happens to unused commitment" }
is_prorated = { type = "boolean", doc = "Shrinks with a partial period" }
overage_unit_price = { type = "decimal(18,8)", doc = "Price of units above the commitment" }
start_date = { type = "date", doc = "First day" }
end_date = { type = "date", doc = "First day after it" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["commitment_id", "contract_id", "term_source", "period", "start_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "version may be null: a null is one value of the key"
---*/
select
    commitment_id,
    contract_id,
    version,
    term_source,
    amount,
    quantity,
    period,
    is_prepaid,
    rollover,
    is_prorated,
    overage_unit_price,
    start_date,
    end_date,
    source,
    source_id
from provided.commitment
qualify row_number() over (partition by term_source, commitment_id, version order by _landed desc) = 1
