/*---
title = "Public comments on Zendesk tickets"
owner = "cs"

[decisions]
kind = "A public comment reaches the other side by mail; what only agents see is none"
direction = "A comment of an agent goes out, any other comes in"
automated = "Zendesk's own rules write as the system, whose user id is -1 or 0"
answers = "A comment answers the one before it in its ticket, where that is of the other side"
---*/
with comment as (
    select
        id,
        ticket_id,
        created_at,
        author_id,
    from landed.ticket_change
    where
        event_type = 'Comment'
        and is_public
),

agent as (
    select id
    from landed.agent
),

ticket as (
    select
        id,
        requester_id,
        organization_id,
    from landed.ticket
),

requester as (
    select
        id,
        email_domain,
        organization_id,
    from landed.user
),

-- Deleted tickets take their comments with them.
placed as (
    select
        comment.id,
        comment.ticket_id,
        comment.created_at,
        comment.author_id,
        ticket.requester_id,
        coalesce(
            ticket.organization_id,
            requester.organization_id,
            requester.email_domain,
            'user:' || ticket.requester_id
        ) as account_id,
        case when agent.id is not null or comment.author_id in ('-1', '0') then 'outbound' else 'inbound' end as direction,
        comment.author_id in ('-1', '0') as is_automated,
    from comment
    inner join ticket
        on ticket.id = comment.ticket_id
    left join requester
        on requester.id = ticket.requester_id
    left join agent
        on agent.id = comment.author_id
),

followed as (
    select
        id,
        ticket_id,
        created_at,
        author_id,
        requester_id,
        account_id,
        direction,
        is_automated,
        lag(id) over (partition by ticket_id order by created_at, id) as before_id,
        lag(direction) over (partition by ticket_id order by created_at, id) as before_direction,
    from placed
)

select
    'zendesk:' || id as engagement_id,
    account_id,
    'email' as kind,
    direction,
    created_at as occurred_at,
    'zendesk:' || case when direction = 'inbound' then author_id else requester_id end as contact_id,
    case when direction = 'outbound' and not is_automated then 'zendesk:' || author_id end as person_id,
    'zendesk:' || ticket_id as thread_id,
    case when before_direction <> direction then 'zendesk:' || before_id end as replied_to_id,
    is_automated,
    id as source_id,
from followed
