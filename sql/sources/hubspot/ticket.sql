/*---
title = "Support tickets, from HubSpot"
owner = "cs"

[decisions]
account = "the ticket's primary company, else its only one, else the company of its only contact; a ticket of nobody we know is left out"
first_reply = "the day and time of the first reply; where only its length is kept, that long after the ticket was opened"
resolved = "the close date, of tickets whose stage is closed: a ticket that was opened again keeps its old date in HubSpot"
priority = "medium is normal; other words stay"
---*/
with ticket as (
    select
        id,
        pipeline_id,
        stage_id,
        lower(priority) as priority,
        closed_at,
        first_replied_at,
        reply_ms,
        created_at,
        escalated_at,
        reopen_count,
        is_sla_breached,
        cast(csat_score as decimal(9,4)) as csat_score
    from landed.ticket
    where created_at is not null
),

stage as (
    select
        pipeline_id,
        id,
        label,
        upper(ticket_state) as ticket_state
    from landed.stage
    where object = 'tickets'
),

ticket_link as (
    select
        from_id,
        to_type,
        to_id,
        primary_label
    from landed.ticket_link
),

contact as (
    select
        id,
        company_id
    from landed.contact
),

whose as (
    select
        from_id,
        coalesce(
            min(case when to_type = 'companies' and primary_label is not null then to_id end),
            case when sum(case when to_type = 'companies' then 1 else 0 end) = 1 then min(case when to_type = 'companies' then to_id end) end
        ) as account_id,
        case when sum(case when to_type = 'contacts' then 1 else 0 end) = 1 then min(case when to_type = 'contacts' then to_id end) end as contact_id
    from ticket_link
    group by from_id
)

select
    ticket.id as ticket_id,
    coalesce(whose.account_id, contact.company_id) as account_id,
    whose.contact_id,
    ticket.created_at,
    coalesce(
        ticket.first_replied_at,
        to_timestamp(extract(epoch from ticket.created_at) + cast(ticket.reply_ms as double) / 1000)
    ) as first_replied_at,
    case when stage.ticket_state = 'CLOSED' or stage.ticket_state is null then ticket.closed_at end as resolved_at,
    case when ticket.priority = 'medium' then 'normal' else ticket.priority end as priority,
    coalesce(stage.label, ticket.stage_id) as status,
    ticket.escalated_at,
    ticket.reopen_count,
    ticket.is_sla_breached,
    ticket.csat_score,
    ticket.id as source_id
from ticket
inner join whose
    on whose.from_id = ticket.id
left join contact
    on contact.id = whose.contact_id
left join stage
    on stage.pipeline_id = ticket.pipeline_id
    and stage.id = ticket.stage_id
where coalesce(whose.account_id, contact.company_id) is not null
