/*---
title = "What public comments on Zendesk tickets say"
owner = "cs"

[decisions]
kept = "Bodies are dropped at landing unless the job keeps the column body of ticket_change: then there are no rows here. Read for the handoff check only"
whole = "A comment is one text; the handoff check takes sentences and quoted mails apart itself"
---*/
with comment as (
    select
        id,
        ticket_id,
        author_id,
        body,
    from landed.ticket_change
    where
        event_type = 'Comment'
        and is_public
        and body is not null
        and author_id not in ('-1', '0')
),

agent as (
    select id
    from landed.agent
),

ticket as (
    select id
    from landed.ticket
)

select
    'zendesk:' || comment.id as engagement_id,
    cast(1 as bigint) as sequence,
    case when agent.id is not null then 'ours' else 'customer' end as side,
    comment.body as text,
    comment.id as source_id,
from comment
inner join ticket
    on ticket.id = comment.ticket_id
left join agent
    on agent.id = comment.author_id
