/*---
title = "Calls, e-mails, meetings and notes, from HubSpot"
owner = "cs"

[decisions]
happened = "calls that nobody answered, meetings that were cancelled, moved or missed, and drafts, bounced and unsent e-mails did not happen"
moment = "a meeting counts when it begins, everything else at its own time"
account = "the only company it is linked to, else the account of its only deal, else the company of its contact; unknown of several"
deal = "the only deal it is linked to; of several deals it is about none in particular"
contact = "the contact with the lowest id, where there are several"
direction = "of e-mails: one that came in is inbound; a forwarded one is neither"
---*/
with call as (
    select
        id,
        occurred_at,
        subject,
        lower(direction) as direction,
        owner_id
    from landed.call
    where
        occurred_at is not null
        and coalesce(upper(status), 'COMPLETED') = 'COMPLETED'
),

email as (
    select
        id,
        occurred_at,
        subject,
        upper(direction) as direction,
        thread_id,
        owner_id,
        is_automated
    from landed.email
    where
        occurred_at is not null
        and coalesce(upper(direction), '') <> 'DRAFT_EMAIL'
        and coalesce(upper(status), 'SENT') = 'SENT'
),

meeting as (
    select
        id,
        coalesce(starts_at, occurred_at) as occurred_at,
        subject,
        owner_id
    from landed.meeting
    where
        coalesce(starts_at, occurred_at) is not null
        and coalesce(replace(upper(outcome), ' ', '_'), '') not in ('CANCELED', 'CANCELLED', 'NO_SHOW', 'RESCHEDULED')
),

note as (
    select
        id,
        occurred_at,
        owner_id
    from landed.note
    where occurred_at is not null
),

link as (
    select 'call' as kind, from_id, to_type, to_id from landed.call_link
    union all
    select 'email' as kind, from_id, to_type, to_id from landed.email_link
    union all
    select 'email' as kind, from_id, to_type, to_id from landed.email_deal
    union all
    select 'meeting' as kind, from_id, to_type, to_id from landed.meeting_link
    union all
    select 'note' as kind, from_id, to_type, to_id from landed.note_link
),

contact as (
    select
        id,
        company_id
    from landed.contact
),

deal_company as (
    select
        from_id,
        to_id,
        primary_label
    from landed.deal_link
    where to_type = 'companies'
),

deal_account as (
    select
        from_id,
        coalesce(
            min(case when primary_label is not null then to_id end),
            case when count(*) = 1 then min(to_id) end
        ) as account_id
    from deal_company
    group by from_id
),

about as (
    select
        kind,
        from_id,
        case when min(case when to_type = 'companies' then to_id end) = max(case when to_type = 'companies' then to_id end)
            then min(case when to_type = 'companies' then to_id end)
        end as company_id,
        case when min(case when to_type = 'deals' then to_id end) = max(case when to_type = 'deals' then to_id end)
            then min(case when to_type = 'deals' then to_id end)
        end as deal_id,
        min(case when to_type = 'contacts' then to_id end) as contact_id
    from link
    group by
        kind,
        from_id
),

engagement as (
    select
        id,
        'call' as kind,
        case when direction in ('inbound', 'outbound') then direction end as direction,
        occurred_at,
        subject,
        cast(null as varchar) as thread_id,
        owner_id,
        cast(null as boolean) as is_automated
    from call
    union all
    select
        id,
        'email' as kind,
        case direction when 'INCOMING_EMAIL' then 'inbound' when 'EMAIL' then 'outbound' end as direction,
        occurred_at,
        subject,
        thread_id,
        owner_id,
        is_automated
    from email
    union all
    select
        id,
        'meeting' as kind,
        cast(null as varchar) as direction,
        occurred_at,
        subject,
        cast(null as varchar) as thread_id,
        owner_id,
        cast(null as boolean) as is_automated
    from meeting
    union all
    select
        id,
        'note' as kind,
        cast(null as varchar) as direction,
        occurred_at,
        cast(null as varchar) as subject,
        cast(null as varchar) as thread_id,
        owner_id,
        cast(null as boolean) as is_automated
    from note
)

select
    engagement.id as engagement_id,
    coalesce(about.company_id, deal_account.account_id, contact.company_id) as account_id,
    about.deal_id as opportunity_id,
    engagement.kind,
    engagement.direction,
    engagement.occurred_at,
    about.contact_id,
    engagement.owner_id as person_id,
    engagement.thread_id,
    engagement.subject,
    engagement.is_automated,
    engagement.id as source_id
from engagement
left join about
    on about.kind = engagement.kind
    and about.from_id = engagement.id
left join deal_account
    on deal_account.from_id = about.deal_id
left join contact
    on contact.id = about.contact_id
