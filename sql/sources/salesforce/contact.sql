/*---
title = "Contacts, from Salesforce"
owner = "cs"

[decisions]
private = "a contact without an account is somebody's private address and left out"
role = "a job's own field decides; else the role of the contact's last deal, read as: champion, economic buyer or decision maker, administrator, user, other"
gone = "a job's own field decides; an address that bounces means gone, nothing means unknown"
---*/
with contact as (
    select
        id,
        account_id,
        name,
        email_domain,
        email_hash,
        title,
        email_bounced_date,
        created_date,
        role,
        is_primary,
        is_active,
        departed_date
    from landed.contact
    where account_id is not null
),

opportunity_contact_role as (
    select
        id,
        contact_id,
        lower(role) as role,
        system_modstamp
    from landed.opportunity_contact_role
    where role is not null
),

last_role as (
    select
        contact_id,
        role
    from opportunity_contact_role
    qualify row_number() over (partition by contact_id order by system_modstamp desc, id desc) = 1
),

stated as (
    select
        contact.id,
        coalesce(lower(contact.role), last_role.role) as role
    from contact
    left join last_role
        on last_role.contact_id = contact.id
)

select
    contact.id as contact_id,
    contact.account_id,
    contact.name,
    contact.email_domain,
    contact.email_hash,
    contact.title,
    case
        when stated.role like '%champion%' then 'champion'
        when stated.role like '%economic%' or stated.role like '%decision maker%' then 'economic_buyer'
        when stated.role like '%admin%' then 'admin'
        when stated.role like '%user%' then 'user'
        when stated.role is not null then 'other'
    end as role,
    contact.is_primary,
    coalesce(contact.is_active, case when contact.departed_date is not null or contact.email_bounced_date is not null then false end) as is_active,
    contact.departed_date,
    contact.created_date as created_at,
    contact.id as source_id
from contact
inner join stated
    on stated.id = contact.id
