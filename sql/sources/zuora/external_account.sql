/*---
title = "Zuora accounts"
owner = "data"

[decisions]
crm = "CrmId is where Zuora keeps the CRM account's id"
---*/
with account as (
    select
        id,
        name,
        domain,
        crm_id,
        parent_id
    from landed.account
)

select
    'zuora' as system,
    id as external_id,
    crm_id as account_id,
    name,
    domain,
    parent_id as parent_external_id,
    id as source_id
from account
