/*---
title = "Companies of Intercom, and the people who belong to none"
owner = "data"

[decisions]
explicit = "The CRM account's id where a company carries it as an attribute. company_id is the product's own id of the customer: a job whose product uses the CRM's ids says account_id = { path = 'company_id' }"
person = "A contact without company stands for the domain of the address; one without address for itself, if it ever wrote"
---*/
with company as (
    select
        id,
        name,
        website,
        account_id,
    from landed.company
),

contact as (
    select
        id,
        name,
        email_domain,
        company_id,
    from landed.contact
),

conversation as (
    select coalesce(contact_id, case when author_type in ('user', 'lead', 'contact') then author_id end) as contact_id
    from landed.conversation
    where company_id is null
),

loose_domain as (
    select distinct email_domain
    from contact
    where
        company_id is null
        and email_domain is not null
),

-- Every visitor is a contact of Intercom's: only those who wrote are worth a row.
loose_contact as (
    select distinct
        conversation.contact_id,
        contact.name,
    from conversation
    left join contact
        on contact.id = conversation.contact_id
    where
        conversation.contact_id is not null
        and contact.company_id is null
        and contact.email_domain is null
)

select
    'intercom' as system,
    id as external_id,
    account_id,
    name,
    website as domain,
    id as source_id,
from company
union all
select
    'intercom' as system,
    email_domain as external_id,
    cast(null as varchar) as account_id,
    cast(null as varchar) as name,
    email_domain as domain,
    cast(null as varchar) as source_id,
from loose_domain
union all
select
    'intercom' as system,
    'contact:' || contact_id as external_id,
    cast(null as varchar) as account_id,
    name,
    cast(null as varchar) as domain,
    contact_id as source_id,
from loose_contact
