/*---
title = "Messages of Intercom's conversations"
owner = "cs"

[decisions]
message = "The message that opened a conversation and every comment since; assignments, closings, attribute changes and our own notes are none"
kind = "Chat and mail are written and read alike: email; a phone conversation is a call"
direction = "What users, leads and contacts write comes in; what teammates and bots write goes out"
automated = "Bots, and openings that a campaign or the operator sent"
answers = "A message answers the one before it in its conversation, where that is of the other side"
---*/
with conversation as (
    select
        id,
        company_id,
        coalesce(contact_id, case when author_type in ('user', 'lead', 'contact') then author_id end) as contact_id,
        source_type,
        delivered_as,
        author_type,
        author_id,
        created_at,
    from landed.conversation
),

conversation_part as (
    select
        conversation_id,
        id,
        part_type,
        author_type,
        author_id,
        created_at,
    from landed.conversation_part
    where part_type = 'comment'
),

contact as (
    select
        id,
        email_domain,
        company_id,
    from landed.contact
),

message as (
    select
        id as conversation_id,
        'intercom:' || id || ':0' as engagement_id,
        id as source_id,
        author_type,
        author_id,
        coalesce(author_type, '') = 'bot' or coalesce(delivered_as, '') in ('automated', 'operator_initiated') as is_automated,
        created_at,
    from conversation
    union all
    select
        conversation_id,
        'intercom:' || conversation_id || ':' || id as engagement_id,
        id as source_id,
        author_type,
        author_id,
        coalesce(author_type, '') = 'bot' as is_automated,
        created_at,
    from conversation_part
),

-- Parts of deleted conversations go with them.
placed as (
    select
        message.conversation_id,
        message.engagement_id,
        message.source_id,
        coalesce(conversation.company_id, contact.company_id, contact.email_domain, 'contact:' || conversation.contact_id) as account_id,
        case when conversation.source_type = 'phone_call' then 'call' else 'email' end as kind,
        case when message.author_type in ('user', 'lead', 'contact') then 'inbound' else 'outbound' end as direction,
        message.author_id,
        conversation.contact_id,
        message.is_automated,
        message.created_at,
    from message
    inner join conversation
        on conversation.id = message.conversation_id
    left join contact
        on contact.id = conversation.contact_id
),

followed as (
    select
        conversation_id,
        engagement_id,
        source_id,
        account_id,
        kind,
        direction,
        author_id,
        contact_id,
        is_automated,
        created_at,
        lag(engagement_id) over (partition by conversation_id order by created_at, engagement_id) as before_id,
        lag(direction) over (partition by conversation_id order by created_at, engagement_id) as before_direction,
    from placed
)

select
    engagement_id,
    account_id,
    kind,
    direction,
    created_at as occurred_at,
    case when direction = 'inbound' then author_id else contact_id end as contact_id,
    case when direction = 'outbound' and not is_automated then 'intercom:' || author_id end as person_id,
    'intercom:' || conversation_id as thread_id,
    case when before_direction <> direction then before_id end as replied_to_id,
    is_automated,
    source_id,
from followed
