/*---
title = "Users and leads of Intercom"
owner = "cs"

[decisions]
account = "The first company of the contact, else the address's domain; visitors without either are no contacts of a customer"
role = "A user of the product is a user; a lead's role is unknown"
active = "An address that bounces for good says that the person left"
---*/
with contact as (
    select
        id,
        role,
        name,
        email_domain,
        email_hash,
        company_id,
        has_hard_bounced,
        created_at,
    from landed.contact
)

select
    id as contact_id,
    coalesce(company_id, email_domain) as account_id,
    name,
    email_domain,
    email_hash,
    case when role = 'user' then 'user' end as role,
    not has_hard_bounced as is_active,
    created_at,
    id as source_id,
from contact
where
    company_id is not null
    or email_domain is not null
