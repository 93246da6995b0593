/*---
title = "Dated money of payments"
owner = "finance"
grain = ["event_id"]

[columns]
event_id = { type = "text", doc = "The event" }
payment_id = { type = "text", doc = "The payment" }
invoice_id = { type = "text", doc = "The invoice" }
kind = { type = "text", doc = "applied, refund, dispute, dispute_lost or dispute_won" }
amount = { type = "decimal(18,4)", doc = "Amount, positive, tax included" }
occurred_at = { type = "timestamp", doc = "When" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["event_id", "payment_id", "invoice_id", "kind", "amount", "occurred_at"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    event_id,
    payment_id,
    invoice_id,
    kind,
    amount,
    occurred_at,
    source,
    source_id
from provided.payment_event
qualify row_number() over (partition by event_id order by _landed desc) = 1
