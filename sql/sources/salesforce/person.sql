/*---
title = "Our own people, from Salesforce users"
owner = "data"

[decisions]
staff = "users of the type Standard; portal, community and chatter users are customers or guests"
role = "a job's own field decides; else words of the user's title, then of the name of the role in the hierarchy; else unknown"
backup = "the delegated approver acts for somebody who is away; a queue acts for nobody"
---*/
with crm_user as (
    select
        id,
        name,
        email,
        title,
        user_role_id,
        manager_id,
        delegated_approver_id,
        is_active,
        role
    from landed.crm_user
    where user_type = 'Standard' or user_type is null
),

user_role as (
    select
        id,
        name
    from landed.user_role
),

described as (
    select
        crm_user.id,
        crm_user.name,
        crm_user.email,
        crm_user.manager_id,
        crm_user.delegated_approver_id,
        crm_user.is_active,
        crm_user.role,
        lower(concat(' ', coalesce(crm_user.title, ''), ' ')) as title,
        lower(concat(' ', coalesce(user_role.name, ''), ' ')) as place
    from crm_user
    left join user_role
        on user_role.id = crm_user.user_role_id
),

-- The title says what somebody does; the hierarchy only under whom. Within one text the narrower word is asked first.
worded as (
    select
        id,
        case
            when title like '%customer success%' or title like '% csm %' then 'csm'
            when title like '%account manage%' then 'account_manager'
            when title like '%revenue operations%' or title like '%revops%' or title like '%sales operations%' then 'revops'
            when title like '%chief %' or title like '% ceo %' or title like '% cfo %' or title like '% coo %' or title like '% cro %' then 'executive'
            when title like '%financ%' or title like '%billing%' or title like '%accounts receivable%' or title like '%controller%' then 'finance'
            when title like '%support%' then 'support'
            when title like '%sales%' or title like '%account executive%' then 'sales'
        end as by_title,
        case
            when place like '%customer success%' or place like '% csm %' then 'csm'
            when place like '%account manage%' then 'account_manager'
            when place like '%revenue operations%' or place like '%revops%' or place like '%sales operations%' then 'revops'
            when place like '% ceo %' or place like '% cfo %' or place like '%executive team%' then 'executive'
            when place like '%financ%' or place like '%billing%' then 'finance'
            when place like '%support%' then 'support'
            when place like '%sales%' then 'sales'
        end as by_place
    from described
)

select
    described.id as person_id,
    described.name,
    described.email,
    coalesce(lower(described.role), worded.by_title, worded.by_place) as role,
    described.manager_id,
    case when starts_with(described.delegated_approver_id, '005') then described.delegated_approver_id end as backup_id,
    described.is_active,
    described.id as source_id
from described
inner join worded
    on worded.id = described.id
