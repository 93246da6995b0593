/*---
title = "End users of Zendesk"
owner = "cs"

[decisions]
id = "Zendesk's ids are plain numbers, so the system's name goes before them: other systems count too"
account = "The organisation, else the address's domain, else the person alone, as in external_account"
active = "Neither deactivated nor suspended"
---*/
with customer as (
    select
        id,
        name,
        email_domain,
        email_hash,
        organization_id,
        active,
        suspended,
        created_at,
    from landed.user
    where role = 'end-user'
)

select
    'zendesk:' || id as contact_id,
    coalesce(organization_id, email_domain, 'user:' || id) as account_id,
    name,
    email_domain,
    email_hash,
    coalesce(active, true) and not coalesce(suspended, false) as is_active,
    created_at,
    id as source_id,
from customer
