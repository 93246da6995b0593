/*---
title = "How much of what was said before a deal is there to read"
owner = "cs"
grain = ["opportunity_id"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
conversations = { type = "integer", doc = "Calls, meetings and e-mails in the last weeks of the sales cycle" }
conversations_read = { type = "integer", doc = "Those of which sentences are kept" }
coverage_pct = { type = "decimal(9,4)", doc = "Their share, percent points; null without any conversation" }

[checks]
not_null = ["opportunity_id", "conversations", "conversations_read"]
---*/
with handoff_deal as (
    select opportunity_id
    from handoff_deal
),

handoff_conversation as (
    select
        opportunity_id,
        count(*) as conversations,
        sum(case when sentences > 0 then 1 else 0 end) as conversations_read,
    from handoff_conversation
    group by opportunity_id
)

select
    handoff_deal.opportunity_id,
    cast(coalesce(handoff_conversation.conversations, 0) as bigint) as conversations,
    cast(coalesce(handoff_conversation.conversations_read, 0) as bigint) as conversations_read,
    cast(
        round(cast(handoff_conversation.conversations_read as double) * 100 / cast(handoff_conversation.conversations as double), 4)
        as decimal(9,4)
    ) as coverage_pct,
from handoff_deal
left join handoff_conversation
    on handoff_conversation.opportunity_id = handoff_deal.opportunity_id
