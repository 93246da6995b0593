/*---
title = "Write-offs"
owner = "finance"
grain = ["write_off_id"]

[columns]
write_off_id = { type = "text", doc = "The write-off" }
invoice_id = { type = "text", doc = "The invoice written off" }
amount = { type = "decimal(18,4)", doc = "Amount written off" }
written_off_date = { type = "date", doc = "Day" }
approved_by = { type = "text", doc = "Who approved" }
reason = { type = "text", doc = "Why" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["write_off_id", "invoice_id", "amount", "written_off_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    write_off_id,
    invoice_id,
    amount,
    written_off_date,
    approved_by,
    reason,
    source,
    source_id
from provided.write_off
qualify row_number() over (partition by write_off_id order by _landed desc) = 1
