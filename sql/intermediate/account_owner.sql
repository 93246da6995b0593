/*---
title = "Who acts for an account"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
owner_id = { type = "text", doc = "The person to act; null where nobody is named" }
owner_role = { type = "text", doc = "csm, account_manager or sales: in which role the account names that person" }

[checks]
not_null = ["account_id"]
expect.role_with_owner = "(owner_id is null) = (owner_role is null)"

[decisions]
chain = "customer success manager, else account manager, else sales owner: an account without an owner keeps its row"
away = "a person who has left is replaced by the backup named for them, in the same role; without an active backup the next role acts"
unknown_person = "a person id that the person entity does not know is kept: the CRM may know more people than we do"
---*/
with account as (
    select
        account_id,
        csm_id,
        account_manager_id,
        sales_owner_id,
    from account
),

person as (
    select
        person_id,
        backup_id,
        is_active,
    from person
),

named as (
    select account_id, 1 as rank, 'csm' as owner_role, csm_id as person_id from account
    union all
    select account_id, 2 as rank, 'account_manager' as owner_role, account_manager_id as person_id from account
    union all
    select account_id, 3 as rank, 'sales' as owner_role, sales_owner_id as person_id from account
),

-- Only somebody who has left is replaced; nobody is assumed to have left.
present as (
    select
        named.account_id,
        named.rank,
        named.owner_role,
        case
            when coalesce(person.is_active, true) then named.person_id
            when coalesce(backup.is_active, true) then person.backup_id
        end as owner_id,
    from named
    left join person
        on person.person_id = named.person_id
    left join person as backup
        on backup.person_id = person.backup_id
    where named.person_id is not null
),

first_present as (
    select
        account_id,
        owner_id,
        owner_role,
    from present
    where owner_id is not null
    qualify row_number() over (partition by account_id order by rank) = 1
)

select
    account.account_id,
    first_present.owner_id,
    first_present.owner_role,
from account
left join first_present
    on first_present.account_id = account.account_id
