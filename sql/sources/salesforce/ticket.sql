/*---
title = "Support tickets, from Salesforce cases"
owner = "cs"

[decisions]
whose = "a case without an account is nobody's we know and left out"
first_reply = "a job's own field decides; else our first e-mail in the case that is not older than the case"
escalated = "a job's own field decides; else when the history first says so; a flag without a time says nothing about when"
reopened = "a job's own field decides; else how often the history goes from a closed status back to an open one; unknown without a history of the case's status"
breached = "a job's own field decides; else whether a milestone of the case is violated; unknown where it has none"
priority = "medium is normal, critical and P1 are urgent; other words stay"
---*/
with crm_case as (
    select
        id,
        account_id,
        contact_id,
        lower(priority) as priority,
        status,
        is_closed,
        closed_date,
        created_date,
        first_replied_at,
        escalated_at,
        reopen_count,
        is_sla_breached,
        cast(csat_score as decimal(9,4)) as csat_score
    from landed.crm_case
    where
        account_id is not null
        and created_date is not null
),

case_history as (
    select
        case_id,
        field,
        old_value,
        new_value,
        created_date
    from landed.case_history
),

case_status as (
    select
        api_name,
        is_closed
    from landed.case_status
),

case_milestone as (
    select
        case_id,
        is_violated
    from landed.case_milestone
),

email_message as (
    select
        parent_id,
        is_incoming,
        message_date
    from landed.email_message
),

answered as (
    select
        crm_case.id,
        min(email_message.message_date) as first_replied_at
    from crm_case
    inner join email_message
        on email_message.parent_id = crm_case.id
    where
        not email_message.is_incoming
        and email_message.message_date >= crm_case.created_date
    group by crm_case.id
),

escalated as (
    select
        case_id,
        min(created_date) as escalated_at
    from case_history
    where
        field = 'IsEscalated'
        and lower(new_value) = 'true'
    group by case_id
),

reopened as (
    select
        case_history.case_id,
        sum(case when old_status.is_closed and not new_status.is_closed then 1 else 0 end) as reopen_count
    from case_history
    inner join case_status as old_status
        on old_status.api_name = case_history.old_value
    inner join case_status as new_status
        on new_status.api_name = case_history.new_value
    where case_history.field = 'Status'
    group by case_history.case_id
),

breached as (
    select
        case_id,
        bool_or(coalesce(is_violated, false)) as is_sla_breached
    from case_milestone
    group by case_id
)

select
    crm_case.id as ticket_id,
    crm_case.account_id,
    crm_case.contact_id,
    crm_case.created_date as created_at,
    coalesce(crm_case.first_replied_at, answered.first_replied_at) as first_replied_at,
    case when crm_case.is_closed then crm_case.closed_date end as resolved_at,
    case
        when crm_case.priority = 'medium' then 'normal'
        when crm_case.priority in ('critical', 'p1') then 'urgent'
        else crm_case.priority
    end as priority,
    crm_case.status,
    coalesce(crm_case.escalated_at, escalated.escalated_at) as escalated_at,
    cast(coalesce(crm_case.reopen_count, reopened.reopen_count) as bigint) as reopen_count,
    coalesce(crm_case.is_sla_breached, breached.is_sla_breached) as is_sla_breached,
    crm_case.csat_score,
    crm_case.id as source_id
from crm_case
left join answered
    on answered.id = crm_case.id
left join escalated
    on escalated.case_id = crm_case.id
left join reopened
    on reopened.case_id = crm_case.id
left join breached
    on breached.case_id = crm_case.id
