/*---
title = "Seats over time"
owner = "cs"
grain = ["account_id", "product_id", "snapshot_date"]

[columns]
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "The product" }
snapshot_date = { type = "date", doc = "The day" }
assigned = { type = "decimal(18,6)", doc = "Seats assigned to people" }
active = { type = "decimal(18,6)", doc = "Seats in use" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["account_id", "snapshot_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "product_id may be null: a null is one value of the key"
---*/
select
    account_id,
    product_id,
    snapshot_date,
    assigned,
    active,
    source,
    source_id
from provided.seat_snapshot
qualify row_number() over (partition by account_id, product_id, snapshot_date order by _landed desc) = 1
