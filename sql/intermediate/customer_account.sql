/*---
title = "Accounts that are customers, with who acts for them"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "The account's name" }
segment = { type = "text", doc = "The account's segment; empty where it has none" }
is_churned = { type = "boolean", doc = "Has left, as the status says today" }
started_date = { type = "date", doc = "First day as a customer" }
owner_id = { type = "text", doc = "Who acts; null where nobody is named" }
owner_role = { type = "text", doc = "In which role" }

[checks]
not_null = ["account_id", "segment", "is_churned"]

[decisions]
whose = "internal accounts and prospects are left out; a status nobody states is taken for a customer's"
churned = "a churned account stays: status has no history, and a past day run again must know what it knew"
---*/
with account as (
    select
        account_id,
        name,
        segment,
        status,
        started_date,
        is_internal,
    from account
),

account_owner as (
    select
        account_id,
        owner_id,
        owner_role,
    from account_owner
)

select
    account.account_id,
    account.name as account_name,
    coalesce(account.segment, '') as segment,
    coalesce(account.status = 'churned', false) as is_churned,
    account.started_date,
    account_owner.owner_id,
    account_owner.owner_role,
from account
left join account_owner
    on account_owner.account_id = account.account_id
where
    not coalesce(account.is_internal, false)
    and coalesce(account.status, 'active') <> 'prospect'
