/*---
title = "Tickets of Zendesk, with how they were answered"
owner = "cs"

[decisions]
account = "The ticket's organisation, else its requester's, else the domain of the requester's address, else the requester alone"
first_reply = "Opening plus the calendar time to the first public answer; null while there is none or where Zendesk keeps no metrics"
resolved = "Zendesk's last solution, of tickets that are solved or closed now: one that was reopened is not solved"
escalated = "Zendesk has no such field. The first time that a set priority is raised to urgent, or a tag with escalat in its name is added"
sla = "True where a service level was missed and the miss was not withdrawn, false where one applied and none was missed, null where none is known"
csat = "Good is 5 and bad is 1 on the scale of 1 to 5; an offer without an answer is unknown"
---*/
with ticket as (
    select
        id,
        status,
        priority,
        requester_id,
        organization_id,
        satisfaction_score,
        reopens,
        coalesce(reply_seconds, reply_minutes * 60) as reply_seconds,
        solved_at,
        created_at,
    from landed.ticket
),

requester as (
    select
        id,
        email_domain,
        organization_id,
    from landed.user
),

ticket_change as (
    select
        ticket_id,
        event_type,
        priority,
        previous_value,
        added_tags,
        created_at,
    from landed.ticket_change
),

ticket_metric_event as (
    select
        ticket_id,
        type,
        deleted,
    from landed.ticket_metric_event
),

-- A priority that was never set before is a first judgement, not an escalation.
escalation as (
    select
        ticket_id,
        min(created_at) as escalated_at,
    from ticket_change
    where
        (event_type = 'Change' and priority = 'urgent' and previous_value is not null)
        or added_tags like '%escalat%'
    group by ticket_id
),

-- A deleted breach is one that Zendesk took back, for instance because the deadline moved.
service_level as (
    select
        ticket_id,
        bool_or(type = 'breach' and not coalesce(deleted, false)) as is_breached,
    from ticket_metric_event
    where type in ('apply_sla', 'apply_group_sla', 'breach')
    group by ticket_id
)

select
    'zendesk:' || ticket.id as ticket_id,
    coalesce(
        ticket.organization_id,
        requester.organization_id,
        requester.email_domain,
        'user:' || ticket.requester_id
    ) as account_id,
    'zendesk:' || ticket.requester_id as contact_id,
    ticket.created_at,
    cast(to_timestamp(cast(floor(extract(epoch from ticket.created_at)) as bigint) + ticket.reply_seconds) as timestamp) as first_replied_at,
    case when ticket.status in ('solved', 'closed') then ticket.solved_at end as resolved_at,
    ticket.priority,
    ticket.status,
    escalation.escalated_at,
    ticket.reopens as reopen_count,
    service_level.is_breached as is_sla_breached,
    case
        when ticket.satisfaction_score in ('good', 'good_with_comment') then cast(5 as decimal(9,4))
        when ticket.satisfaction_score in ('bad', 'bad_with_comment') then cast(1 as decimal(9,4))
    end as csat_score,
    ticket.id as source_id,
from ticket
left join requester
    on requester.id = ticket.requester_id
left join escalation
    on escalation.ticket_id = ticket.id
left join service_level
    on service_level.ticket_id = ticket.id
