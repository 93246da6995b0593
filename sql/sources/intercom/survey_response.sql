/*---
title = "Ratings of Intercom's conversations"
owner = "cs"

[decisions]
scale = "Intercom's faces are 1 to 5; a conversation that was not rated is no response"
---*/
with conversation as (
    select
        id,
        company_id,
        coalesce(contact_id, case when author_type in ('user', 'lead', 'contact') then author_id end) as contact_id,
        rating,
        rated_at,
    from landed.conversation
    where
        rating is not null
        and rated_at is not null
),

contact as (
    select
        id,
        email_domain,
        company_id,
    from landed.contact
)

select
    'intercom:' || conversation.id as response_id,
    coalesce(conversation.company_id, contact.company_id, contact.email_domain, 'contact:' || conversation.contact_id) as account_id,
    conversation.contact_id,
    'csat' as kind,
    cast(conversation.rating as decimal(9,4)) as score,
    conversation.rated_at as responded_at,
    conversation.id as source_id,
from conversation
left join contact
    on contact.id = conversation.contact_id
where
    conversation.company_id is not null
    or conversation.contact_id is not null
