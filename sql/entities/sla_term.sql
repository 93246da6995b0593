/*---
title = "Service levels promised"
owner = "finance"
grain = ["term_source", "contract_id", "metric"]

[columns]
contract_id = { type = "text", doc = "The contract" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
metric = { type = "text", doc = "What is measured, e.g. uptime" }
target_pct = { type = "decimal(9,4)", doc = "Level promised, percent points" }
credit_pct = { type = "decimal(9,4)", doc = "Credit when missed, percent points of the period's fee" }
cap_pct = { type = "decimal(9,4)", doc = "Most that is credited, percent points" }
claim_days = { type = "integer", doc = "Days within which the credit must be claimed" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["contract_id", "term_source", "metric"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    contract_id,
    term_source,
    metric,
    target_pct,
    credit_pct,
    cap_pct,
    claim_days,
    source,
    source_id
from provided.sla_term
qualify row_number() over (partition by term_source, contract_id, metric order by _landed desc) = 1
