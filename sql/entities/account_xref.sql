/*---
title = "Accounts in other systems"
owner = "data"
grain = ["account_id", "system", "external_id"]

[columns]
account_id = { type = "text", doc = "The canonical account" }
system = { type = "text", doc = "The other system's name in the job" }
external_id = { type = "text", doc = "The account's id there" }
method = { type = "text", doc = "How the two were matched: explicit, domain, name or manual" }
confidence = { type = "decimal(9,4)", doc = "How sure the match is, 0 to 1" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["account_id", "system", "external_id"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    account_id,
    system,
    external_id,
    method,
    confidence,
    source,
    source_id
from provided.account_xref
qualify row_number() over (partition by account_id, system, external_id order by _landed desc) = 1
