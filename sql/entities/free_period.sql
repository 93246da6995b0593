/*---
title = "Free periods"
owner = "finance"
grain = ["term_source", "contract_line_id", "version", "start_date"]

[columns]
contract_line_id = { type = "text", doc = "The contract line" }
version = { type = "integer", doc = "The version it belongs to; every version where null" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
start_date = { type = "date", doc = "First free day" }
end_date = { type = "date", doc = "First day charged again" }
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
    end_date,
    source,
    source_id
from provided.free_period
qualify row_number() over (partition by term_source, contract_line_id, version, start_date order by _landed desc) = 1
