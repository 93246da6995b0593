/*---
title = "Contacts, from HubSpot"
owner = "cs"

[decisions]
company = "the contact's primary company; a contact without one is nobody's and left out"
role = "a job's own property decides; else the buying role: champion, budget holder or decision maker as economic buyer, end user as user, any other as other"
gone = "a job's own property decides; an address that bounces for good means gone, nothing means unknown"
---*/
with contact as (
    select
        id,
        company_id,
        first_name,
        last_name,
        email_domain,
        email_hash,
        title,
        upper(buying_role) as buying_role,
        bounce_reason,
        created_at,
        lower(role) as role,
        is_primary,
        is_active,
        departed_date
    from landed.contact
    where company_id is not null
)

-- Somebody can have several buying roles, separated by semicolons: the one that matters most counts.
select
    id as contact_id,
    company_id as account_id,
    nullif(concat_ws(' ', first_name, last_name), '') as name,
    email_domain,
    email_hash,
    title,
    case
        when role is not null then role
        when buying_role like '%CHAMPION%' then 'champion'
        when buying_role like '%BUDGET_HOLDER%' or buying_role like '%DECISION_MAKER%' then 'economic_buyer'
        when buying_role like '%END_USER%' then 'user'
        when buying_role is not null then 'other'
    end as role,
    is_primary,
    coalesce(is_active, case when departed_date is not null or bounce_reason is not null then false end) as is_active,
    departed_date,
    created_at,
    id as source_id
from contact
