/*---
title = "Each cent collected or written off lies on exactly one line and period"
owner = "finance"
severity = "block"

[columns]
event_id = { type = "text", doc = "The payment event, payment or write-off" }
kind = { type = "text", doc = "collected or written_off" }
amount = { type = "decimal(18,4)", doc = "What happened, before tax" }
shared_amount = { type = "decimal(18,4)", doc = "What was spread" }
---*/
with collected_event as (
    select
        event_id,
        kind,
        amount
    from collected_event
),

collected_share as (
    select
        event_id,
        kind,
        sum(event_amount) as shared_amount
    from collected_share
    group by event_id, kind
)

select
    collected_event.event_id,
    collected_event.kind,
    collected_event.amount,
    cast(collected_share.shared_amount as decimal(18, 4)) as shared_amount
from collected_event
left join collected_share
    on collected_event.event_id = collected_share.event_id
    and collected_event.kind = collected_share.kind
where collected_share.shared_amount is null
    or collected_share.shared_amount <> collected_event.amount
