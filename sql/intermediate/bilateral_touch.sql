/*---
title = "Contacts in which both sides took part"
owner = "cs"
grain = ["engagement_id"]

[columns]
engagement_id = { type = "text", doc = "The call, the meeting, or the e-mail that answers one of the other side" }
account_id = { type = "text", doc = "The account" }
contact_id = { type = "text", doc = "The customer's person; null where the source names none" }
person_id = { type = "text", doc = "Our person; null where the source names none" }
touched_on = { type = "date", doc = "The day of it" }
kind = { type = "text", doc = "call, meeting or email" }

[checks]
not_null = ["engagement_id", "account_id", "touched_on", "kind"]
expect.kind = "kind in ('call', 'meeting', 'email')"

[decisions]
call = "A call or meeting is two-way by its nature; one whose sentences are known and all ours is a voicemail and is not"
thread = "An e-mail counts if the other side wrote in the same thread before it, or if it answers an e-mail of the other side: so the day is the one on which the exchange became two-way, and what came later changes nothing"
left_out = "What a machine sent, notes, and e-mails of which nobody says who wrote them"
account = "Where the engagement names no account, its contact's, else its deal's"
---*/
with engagement as (
    select
        engagement_id,
        account_id,
        opportunity_id,
        kind,
        direction,
        occurred_at,
        contact_id,
        person_id,
        thread_id,
        replied_to_id,
    from engagement
    where
        occurred_at < cast($as_of_end as timestamp)
        and kind in ('call', 'meeting', 'email')
        and not coalesce(is_automated, false)
),

contact as (
    select
        contact_id,
        account_id,
    from contact
),

opportunity as (
    select
        opportunity_id,
        account_id,
    from opportunity
),

spoken as (
    select
        engagement_id,
        bool_or(side = 'customer') as has_customer,
    from utterance
    group by engagement_id
),

mail as (
    select
        engagement_id,
        direction,
        occurred_at,
        thread_id,
        replied_to_id,
    from engagement
    where
        kind = 'email'
        and direction in ('inbound', 'outbound')
),

thread as (
    select
        thread_id,
        min(case when direction = 'inbound' then occurred_at end) as first_inbound_at,
        min(case when direction = 'outbound' then occurred_at end) as first_outbound_at,
    from mail
    where thread_id is not null
    group by thread_id
),

answer as (
    select mail.engagement_id,
    from mail
    left join thread
        on thread.thread_id = mail.thread_id
    left join mail as answered
        on answered.engagement_id = mail.replied_to_id
    where
        coalesce(answered.direction <> mail.direction, false)
        or coalesce(case when mail.direction = 'inbound' then thread.first_outbound_at else thread.first_inbound_at end < mail.occurred_at, false)
),

two_way as (
    select engagement.engagement_id,
    from engagement
    left join spoken
        on spoken.engagement_id = engagement.engagement_id
    where
        engagement.kind in ('call', 'meeting')
        and coalesce(spoken.has_customer, true)
    union all
    select answer.engagement_id,
    from answer
),

placed as (
    select
        engagement.engagement_id,
        coalesce(engagement.account_id, contact.account_id, opportunity.account_id) as account_id,
        engagement.contact_id,
        engagement.person_id,
        cast(engagement.occurred_at as date) as touched_on,
        engagement.kind,
    from engagement
    inner join two_way
        on two_way.engagement_id = engagement.engagement_id
    left join contact
        on contact.contact_id = engagement.contact_id
    left join opportunity
        on opportunity.opportunity_id = engagement.opportunity_id
)

select
    engagement_id,
    account_id,
    contact_id,
    person_id,
    touched_on,
    kind,
from placed
where account_id is not null
