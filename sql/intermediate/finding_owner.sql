/*---
title = "Who acts on which finding"
owner = "finance"
grain = ["account_id", "check_code"]

[columns]
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
check_code = { type = "text", doc = "The check" }
owner_role = { type = "text", doc = "finance, account_manager or revops" }
owner_id = { type = "text", doc = "The person; the account manager or CSM where the role is not staffed; null where nobody is known" }

[checks]
not_null = ["account_id", "check_code", "owner_role"]

[decisions]
roles = "Billing operations and collections act for Finance, amendments for RevOps, renewal prices for the account manager"
fallback = "An inactive person's backup takes over; a role nobody holds falls to the account manager, then the CSM"
---*/
with account as (
    select
        account_id,
        name,
        csm_id,
        account_manager_id
    from account
),

person as (
    select
        person_id,
        role,
        backup_id,
        is_active
    from person
),

finding_row as (
    select
        account_id,
        check_code
    from finding_row
),

staffed as (
    select
        role,
        min(person_id) as person_id
    from person
    where coalesce(is_active, true)
    group by role
),

present as (
    select
        person_id,
        case when coalesce(is_active, true) then person_id else backup_id end as acting_id
    from person
),

wanted as (
    select distinct
        account_id,
        check_code,
        case
            when check_code in ('P9', 'Q1', 'Q2') then 'account_manager'
            when check_code = 'Q6' then 'revops'
            else 'finance'
        end as owner_role
    from finding_row
)

select
    wanted.account_id,
    account.name as account_name,
    wanted.check_code,
    wanted.owner_role,
    coalesce(
        case when wanted.owner_role = 'account_manager' then manager.acting_id end,
        staffed.person_id,
        manager.acting_id,
        account.account_manager_id,
        csm.acting_id,
        account.csm_id
    ) as owner_id
from wanted
left join account
    on wanted.account_id = account.account_id
left join staffed
    on wanted.owner_role = staffed.role
left join present as manager
    on account.account_manager_id = manager.person_id
left join present as csm
    on account.csm_id = csm.person_id
