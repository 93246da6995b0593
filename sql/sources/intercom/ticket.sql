/*---
title = "Conversations and customer tickets of Intercom"
owner = "cs"

[decisions]
which = "Conversations that the customer began or answered to, and customer tickets that are no conversation. Back-office and tracker tickets are our own work on them"
account = "The conversation's company, else its first contact's (who wrote it, where it lists none), else the domain of the contact's address, else the contact alone"
first_reply = "The first answer of a teammate; a bot's is none"
resolved = "The last close, of conversations closed now; a ticket's last change to resolved, of tickets resolved now"
escalated = "When a tag with escalat in its name was set; Intercom has no such field, and assignments to another team are routine"
sla = "True for missed, false for hit, null while it runs, was cancelled or none applied"
priority = "The older priority is high, not_priority and none are unknown, medium is normal"
---*/
with conversation as (
    select
        id,
        state,
        priority,
        company_id,
        coalesce(contact_id, case when author_type in ('user', 'lead', 'contact') then author_id end) as contact_id,
        ticket_id,
        delivered_as,
        rating,
        sla_status,
        first_admin_reply_at,
        last_close_at,
        count_reopens,
        created_at,
    from landed.conversation
),

conversation_tag as (
    select
        conversation_id,
        name,
        applied_at,
    from landed.conversation_tag
),

conversation_part as (
    select
        conversation_id,
        author_type,
    from landed.conversation_part
),

ticket as (
    select
        id,
        state,
        company_id,
        contact_id,
        created_at,
    from landed.ticket
    where category = 'Customer'
),

ticket_part as (
    select
        ticket_id,
        part_type,
        ticket_state,
        author_type,
        created_at,
    from landed.ticket_part
),

contact as (
    select
        id,
        email_domain,
        company_id,
    from landed.contact
),

escalation as (
    select
        conversation_id,
        min(applied_at) as escalated_at,
    from conversation_tag
    where lower(name) like '%escalat%'
    group by conversation_id
),

answered as (
    select distinct conversation_id
    from conversation_part
    where author_type in ('user', 'lead', 'contact')
),

ticket_step as (
    select
        ticket_id,
        min(case when part_type = 'comment' and author_type = 'admin' then created_at end) as first_replied_at,
        max(case when ticket_state = 'resolved' and part_type like 'ticket_state_updated%' then created_at end) as resolved_at,
    from ticket_part
    group by ticket_id
),

-- What we or a machine sent to many and nobody answered is no request for help.
asked as (
    select
        conversation.id,
        conversation.company_id,
        conversation.contact_id,
        conversation.created_at,
        conversation.first_admin_reply_at as first_replied_at,
        case when conversation.state = 'closed' then conversation.last_close_at end as resolved_at,
        conversation.priority,
        conversation.state as status,
        escalation.escalated_at,
        conversation.count_reopens as reopen_count,
        case conversation.sla_status when 'missed' then true when 'hit' then false end as is_sla_breached,
        conversation.rating,
    from conversation
    left join answered
        on answered.conversation_id = conversation.id
    left join escalation
        on escalation.conversation_id = conversation.id
    where
        conversation.delivered_as = 'customer_initiated'
        or answered.conversation_id is not null
),

known as (
    select id
    from conversation
    union
    select ticket_id as id
    from conversation
    where ticket_id is not null
),

filed as (
    select
        ticket.id,
        ticket.company_id,
        ticket.contact_id,
        ticket.created_at,
        ticket_step.first_replied_at,
        case when ticket.state = 'resolved' then ticket_step.resolved_at end as resolved_at,
        cast(null as varchar) as priority,
        ticket.state as status,
        cast(null as timestamp) as escalated_at,
        cast(null as bigint) as reopen_count,
        cast(null as boolean) as is_sla_breached,
        cast(null as bigint) as rating,
    from ticket
    left join ticket_step
        on ticket_step.ticket_id = ticket.id
    left join known
        on known.id = ticket.id
    where known.id is null
),

request as (
    select
        id,
        company_id,
        contact_id,
        created_at,
        first_replied_at,
        resolved_at,
        priority,
        status,
        escalated_at,
        reopen_count,
        is_sla_breached,
        rating,
    from asked
    union all
    select
        id,
        company_id,
        contact_id,
        created_at,
        first_replied_at,
        resolved_at,
        priority,
        status,
        escalated_at,
        reopen_count,
        is_sla_breached,
        rating,
    from filed
)

select
    'intercom:' || request.id as ticket_id,
    coalesce(request.company_id, contact.company_id, contact.email_domain, 'contact:' || request.contact_id) as account_id,
    request.contact_id,
    request.created_at,
    request.first_replied_at,
    request.resolved_at,
    case request.priority
        when 'priority' then 'high'
        when 'medium' then 'normal'
        when 'low' then 'low'
        when 'high' then 'high'
        when 'urgent' then 'urgent'
    end as priority,
    request.status,
    request.escalated_at,
    request.reopen_count,
    request.is_sla_breached,
    cast(request.rating as decimal(9,4)) as csat_score,
    request.id as source_id,
from request
left join contact
    on contact.id = request.contact_id
where
    request.company_id is not null
    or request.contact_id is not null
