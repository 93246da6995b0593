/*---
title = "Lines under a commitment"
owner = "finance"
grain = ["term_source", "commitment_id", "contract_line_id"]

[columns]
commitment_id = { type = "text", doc = "The commitment" }
contract_line_id = { type = "text", doc = "A line whose spend counts towards it" }
term_source = { type = "text", doc = "signed, crm or billing: who says so" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["commitment_id", "contract_line_id", "term_source"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    commitment_id,
    contract_line_id,
    term_source,
    source,
    source_id
from provided.commitment_line
qualify row_number() over (partition by term_source, commitment_id, contract_line_id order by _landed desc) = 1
