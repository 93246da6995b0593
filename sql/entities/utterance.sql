/*---
title = "Sentences of engagements"
owner = "cs"
grain = ["engagement_id", "sequence"]

[columns]
engagement_id = { type = "text", doc = "The engagement" }
sequence = { type = "integer", doc = "Order within the engagement, from 1" }
side = { type = "text", doc = "ours or customer" }
text = { type = "text", doc = "The sentence" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["engagement_id", "sequence", "side", "text"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
---*/
select
    engagement_id,
    sequence,
    side,
    text,
    source,
    source_id
from provided.utterance
qualify row_number() over (partition by engagement_id, sequence order by _landed desc) = 1
