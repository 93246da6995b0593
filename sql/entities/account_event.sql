/*---
title = "Events at the customer"
owner = "cs"
grain = ["event_id"]

[columns]
event_id = { type = "text", doc = "The event" }
account_id = { type = "text", doc = "The account" }
kind = { type = "text", doc = "hiring, new_product, ownership_change, new_location, funding, compliance, leadership_change or layoffs" }
occurred_at = { type = "timestamp", doc = "When it happened" }
quantity = { type = "decimal(18,6)", doc = "How many, e.g. people hired" }
detail = { type = "text", doc = "What happened, in words" }
source_ref = { type = "text", doc = "Where it was read" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["event_id", "account_id", "kind", "occurred_at"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    event_id,
    account_id,
    kind,
    occurred_at,
    quantity,
    detail,
    source_ref,
    source,
    source_id
from provided.account_event
qualify row_number() over (partition by event_id order by _landed desc) = 1
