/*---
title = "Who decides about an account's contracts, and who if nobody is there"
owner = "finance"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
owner_id = { type = "text", doc = "The person to act; null where nobody is known at all" }
owner_role = { type = "text", doc = "account_manager, csm, sales, finance or executive" }
fallback_owner_id = { type = "text", doc = "Who acts if the owner does not; another person" }
fallback_owner_role = { type = "text", doc = "In which role" }
is_owner_missing = { type = "boolean", doc = "No account manager is there: somebody else stands in" }

[checks]
not_null = ["account_id", "is_owner_missing"]

[decisions]
chain = "Account manager, else customer success manager, else sales owner, else who does Finance, else an executive; who has left is replaced by the backup named for them"
staffed = "Of several people in Finance or among executives the one whose person_id sorts first"
---*/
with account as (
    select
        account_id,
        csm_id,
        account_manager_id,
        sales_owner_id
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

named as (
    select account_id, 1 as place, 'account_manager' as owner_role, account_manager_id as person_id from account
    union all
    select account_id, 2 as place, 'csm' as owner_role, csm_id as person_id from account
    union all
    select account_id, 3 as place, 'sales' as owner_role, sales_owner_id as person_id from account
),

-- Only somebody who has left is replaced; a person the CRM alone knows is taken to be there.
present as (
    select
        named.account_id,
        named.place,
        named.owner_role,
        case
            when coalesce(person.is_active, true) then named.person_id
            when coalesce(backup.is_active, true) then person.backup_id
        end as owner_id
    from named
    left join person
        on named.person_id = person.person_id
    left join person as backup
        on person.backup_id = backup.person_id
    where named.person_id is not null
),

staffed as (
    select
        role as owner_role,
        case when role = 'finance' then 4 else 5 end as place,
        min(person_id) as owner_id
    from person
    where role in ('finance', 'executive')
        and coalesce(is_active, true)
    group by role
),

every_candidate as (
    select
        account_id,
        place,
        owner_role,
        owner_id
    from present
    where owner_id is not null
    union all
    select
        account.account_id,
        staffed.place,
        staffed.owner_role,
        staffed.owner_id
    from account
    cross join staffed
),

-- A person stands in the chain once, in the first role.
distinct_candidate as (
    select *
    from every_candidate
    qualify row_number() over (partition by account_id, owner_id order by place) = 1
),

ranked as (
    select
        distinct_candidate.*,
        row_number() over (partition by account_id order by place) as standing
    from distinct_candidate
)

select
    account.account_id,
    first_one.owner_id,
    first_one.owner_role,
    second_one.owner_id as fallback_owner_id,
    second_one.owner_role as fallback_owner_role,
    coalesce(first_one.owner_role <> 'account_manager', true) as is_owner_missing
from account
left join ranked as first_one
    on account.account_id = first_one.account_id
    and first_one.standing = 1
left join ranked as second_one
    on account.account_id = second_one.account_id
    and second_one.standing = 2
