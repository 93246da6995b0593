/*---
title = "Decisions about findings"
owner = "finance"
grain = ["finding_id", "decided_at"]

[columns]
finding_id = { type = "text", doc = "The finding" }
decision = { type = "text", doc = "confirmed, waived, disputed or billed" }
decided_by = { type = "text", doc = "Who decided" }
decided_at = { type = "timestamp", doc = "When" }
expires_date = { type = "date", doc = "Day from which the decision no longer holds" }
note = { type = "text", doc = "Why, in words" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["finding_id", "decision", "decided_by", "decided_at"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    finding_id,
    decision,
    decided_by,
    decided_at,
    expires_date,
    note,
    source,
    source_id
from provided.finding_review
qualify row_number() over (partition by finding_id, decided_at order by _landed desc) = 1
