/*---
title = "Agents of Zendesk"
owner = "data"

[decisions]
role = "Whoever answers tickets is support; the CRM says who is a customer success or account manager"
---*/
with agent as (
    select
        id,
        name,
        email,
        active,
        suspended,
    from landed.agent
)

select
    'zendesk:' || id as person_id,
    name,
    email,
    'support' as role,
    coalesce(active, true) and not coalesce(suspended, false) as is_active,
    id as source_id,
from agent
