/*---
title = "Teammates of Intercom"
owner = "data"

[decisions]
role = "Whoever answers in the inbox is support; the CRM says who is a customer success or account manager"
active = "Intercom lists those who are with the workspace"
---*/
with admin as (
    select
        id,
        name,
        email,
    from landed.admin
)

select
    'intercom:' || id as person_id,
    name,
    email,
    'support' as role,
    true as is_active,
    id as source_id,
from admin
