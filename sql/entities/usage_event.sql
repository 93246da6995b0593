/*---
title = "Product usage events"
owner = "cs"
grain = ["usage_date", "event_id"]
derived = ["usage_date"]

[columns]
event_id = { type = "text", doc = "The event" }
account_id = { type = "text", doc = "The account" }
user_id = { type = "text", doc = "The user" }
name = { type = "text", doc = "Name of the event" }
feature = { type = "text", doc = "The feature used" }
metric = { type = "text", doc = "The metric it counts towards" }
product_id = { type = "text", doc = "The product" }
quantity = { type = "decimal(18,6)", doc = "How much" }
session_id = { type = "text", doc = "The session it happened in" }
is_billable = { type = "boolean", doc = "Counts towards a usage charge" }
occurred_at = { type = "timestamp", doc = "When it happened" }
usage_date = { type = "date", doc = "Calendar day it happened, in the job's time zone; stamped at landing" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["event_id", "account_id", "name", "occurred_at", "usage_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
once = "Every landed row has a number of its own, so the newest of a key is found by grouping; sorting the events would cost several times as much"
---*/
with
-- The newest landing of each event.
newest as (
    select
        usage_date,
        event_id,
        max(_landed) as landed
    from provided.usage_event
    group by
        usage_date,
        event_id
)

select
    event_id,
    account_id,
    user_id,
    name,
    feature,
    metric,
    product_id,
    quantity,
    session_id,
    is_billable,
    occurred_at,
    usage_date,
    source,
    source_id
from provided.usage_event
where _landed in (select newest.landed from newest)
