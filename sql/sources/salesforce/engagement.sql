/*---
title = "Calls, e-mails and meetings, from Salesforce activities"
owner = "cs"

[decisions]
kinds = "tasks of the kinds call and e-mail once they are done, events as meetings, e-mail messages; to-dos are no engagement"
one_mail = "an e-mail message and the task that logs it are one: the message counts, which says who wrote"
series = "the row of a series of events, and the copies of those invited, are left out: every meeting is there once by itself"
moment = "a task counts when it was completed, else on its day, else when it was written down"
ids = "what an activity is about is told by the first letters of the id: 001 account, 006 opportunity, 500 case, 003 contact, 005 user"
mail_account = "an e-mail belongs to the account of its case, else to the account or deal it is related to"
lists = "mails to a list are sent by a machine; others are unknown, where the job names no field"
---*/
with task as (
    select
        id,
        subtype,
        account_id,
        what_id,
        who_id,
        owner_id,
        subject,
        lower(call_type) as call_type,
        coalesce(completed_at, cast(activity_date as timestamp), created_date) as occurred_at,
        is_automated
    from landed.task
    where
        subtype in ('Call', 'Email', 'ListEmail')
        and is_closed
),

event as (
    select
        id,
        account_id,
        what_id,
        who_id,
        owner_id,
        subject,
        coalesce(started_at, cast(activity_date as timestamp)) as occurred_at
    from landed.event
    where
        not coalesce(is_child, false)
        and not coalesce(is_recurrence, false)
),

email_message as (
    select
        id,
        parent_id,
        related_to_id,
        activity_id,
        is_incoming,
        subject,
        thread_id,
        replied_to_id,
        created_by_id,
        message_date,
        is_automated
    from landed.email_message
    where message_date is not null
),

email_relation as (
    select
        id,
        email_message_id,
        relation_id,
        relation_type
    from landed.email_relation
),

crm_case as (
    select
        id,
        account_id
    from landed.crm_case
),

opportunity as (
    select
        id,
        account_id
    from landed.opportunity
),

-- The customer's person is who wrote a mail that came in, and to whom ours went.
email_contact as (
    select
        email_message.id,
        min(email_relation.relation_id) as contact_id
    from email_message
    inner join email_relation
        on email_relation.email_message_id = email_message.id
    where
        starts_with(email_relation.relation_id, '003')
        and email_relation.relation_type = case when email_message.is_incoming then 'FromAddress' else 'ToAddress' end
    group by email_message.id
),

-- A user who is on our side of the mail; else who wrote it down, for mails that we sent.
email_user as (
    select
        email_message.id,
        min(email_relation.relation_id) as person_id
    from email_message
    inner join email_relation
        on email_relation.email_message_id = email_message.id
    where
        starts_with(email_relation.relation_id, '005')
        and email_relation.relation_type = case when email_message.is_incoming then 'ToAddress' else 'FromAddress' end
    group by email_message.id
),

logged_mail as (
    select distinct activity_id
    from email_message
    where activity_id is not null
),

engagement as (
    select
        task.id,
        task.account_id,
        task.what_id as about_id,
        case task.subtype when 'Call' then 'call' else 'email' end as kind,
        case
            when task.call_type = 'inbound' then 'inbound'
            when task.call_type = 'outbound' or task.subtype = 'ListEmail' then 'outbound'
        end as direction,
        task.occurred_at,
        task.who_id as contact_id,
        task.owner_id as person_id,
        cast(null as varchar) as thread_id,
        cast(null as varchar) as replied_to_id,
        task.subject,
        case when task.subtype = 'ListEmail' then true else task.is_automated end as is_automated
    from task
    left join logged_mail
        on logged_mail.activity_id = task.id
    where logged_mail.activity_id is null
    union all
    select
        id,
        account_id,
        what_id as about_id,
        'meeting' as kind,
        cast(null as varchar) as direction,
        occurred_at,
        who_id as contact_id,
        owner_id as person_id,
        cast(null as varchar) as thread_id,
        cast(null as varchar) as replied_to_id,
        subject,
        cast(null as boolean) as is_automated
    from event
    where occurred_at is not null
    union all
    select
        email_message.id,
        case
            when starts_with(email_message.related_to_id, '001') then email_message.related_to_id
        end as account_id,
        coalesce(email_message.related_to_id, email_message.parent_id) as about_id,
        'email' as kind,
        case when email_message.is_incoming then 'inbound' when not email_message.is_incoming then 'outbound' end as direction,
        email_message.message_date as occurred_at,
        email_contact.contact_id,
        coalesce(email_user.person_id, case when not email_message.is_incoming then email_message.created_by_id end) as person_id,
        email_message.thread_id,
        email_message.replied_to_id,
        email_message.subject,
        email_message.is_automated
    from email_message
    left join email_contact
        on email_contact.id = email_message.id
    left join email_user
        on email_user.id = email_message.id
)

select
    engagement.id as engagement_id,
    coalesce(engagement.account_id, case_of_mail.account_id, crm_case.account_id, opportunity.account_id) as account_id,
    case when starts_with(engagement.about_id, '006') then engagement.about_id end as opportunity_id,
    engagement.kind,
    engagement.direction,
    engagement.occurred_at,
    case when starts_with(engagement.contact_id, '003') then engagement.contact_id end as contact_id,
    case when starts_with(engagement.person_id, '005') then engagement.person_id end as person_id,
    engagement.thread_id,
    engagement.replied_to_id,
    engagement.subject,
    engagement.is_automated,
    engagement.id as source_id
from engagement
left join email_message
    on email_message.id = engagement.id
left join crm_case as case_of_mail
    on case_of_mail.id = email_message.parent_id
left join crm_case
    on crm_case.id = engagement.about_id
left join opportunity
    on opportunity.id = engagement.about_id
