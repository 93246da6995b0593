/*---
title = "What messages of Intercom's conversations say"
owner = "cs"

[decisions]
kept = "Bodies are dropped at landing unless the job keeps the columns body of conversation and conversation_part: then there are no rows here. Read for the handoff check only"
whole = "A message is one text without its tags; the handoff check takes sentences and quoted mails apart itself"
---*/
with conversation as (
    select
        id,
        author_type,
        body,
    from landed.conversation
),

conversation_part as (
    select
        conversation_id,
        id,
        author_type,
        body,
    from landed.conversation_part
    where part_type = 'comment'
),

message as (
    select
        'intercom:' || id || ':0' as engagement_id,
        id as source_id,
        author_type,
        body,
    from conversation
    union all
    select
        'intercom:' || conversation_part.conversation_id || ':' || conversation_part.id as engagement_id,
        conversation_part.id as source_id,
        conversation_part.author_type,
        conversation_part.body,
    from conversation_part
    inner join conversation
        on conversation.id = conversation_part.conversation_id
),

said as (
    select
        engagement_id,
        source_id,
        case when author_type in ('user', 'lead', 'contact') then 'customer' else 'ours' end as side,
        trim(regexp_replace(body, '<[^>]*>', ' ', 'g')) as text,
    from message
    where coalesce(author_type, '') <> 'bot'
)

select
    engagement_id,
    cast(1 as bigint) as sequence,
    side,
    text,
    source_id,
from said
where text <> ''
