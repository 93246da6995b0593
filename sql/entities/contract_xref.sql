/*---
title = "Contracts, lines and products in other systems"
owner = "data"
grain = ["kind", "system", "external_id"]

[columns]
kind = { type = "text", doc = "contract, line or product" }
system = { type = "text", doc = "The other system's name in the job" }
external_id = { type = "text", doc = "The id there" }
canonical_id = { type = "text", doc = "The canonical id" }
method = { type = "text", doc = "How the two were matched: explicit or manual" }
confidence = { type = "decimal(9,4)", doc = "How sure the match is, 0 to 1" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["system", "external_id", "canonical_id"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "kind may be null: a null is one value of the key"
---*/
select
    kind,
    system,
    external_id,
    canonical_id,
    method,
    confidence,
    source,
    source_id
from provided.contract_xref
qualify row_number() over (partition by kind, system, external_id order by _landed desc) = 1
