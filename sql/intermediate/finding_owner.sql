/*---
title = "Who acts on which finding"
owner = "finance"
grain = ["account_id", "check_code"]

[columns]
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
check_code = { type = "text", doc = "The check" }
owner_role = { type = "text", doc = "The role that acts on such a finding" }
owner_id = { type = "text", doc = "The person, in that role or the next one that somebody holds; null where nobody is known" }

[checks]
not_null = ["account_id", "check_code", "owner_role"]

[decisions]
person = "Of account manager, CSM and sales the one the account names; of finance, RevOps and executives the first by id who is active"
fallback = "An inactive person's backup takes over; a role nobody holds falls to the second role of the check, then to whoever acts for the account"
---*/
with account as (
    select
        account_id,
        name,
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

account_owner as (
    select
        account_id,
        owner_id
    from account_owner
),

check_catalogue as (
    select
        check_code,
        owner_role,
        second_role
    from check_catalogue
),

finding_row as (
    select
        account_id,
        check_code
    from finding_row
),

-- Only somebody who has left is replaced, and only by somebody who has not.
present as (
    select
        person.person_id,
        case
            when coalesce(person.is_active, true) then person.person_id
            when coalesce(backup.is_active, true) then person.backup_id
        end as acting_id
    from person
    left join person as backup
        on person.backup_id = backup.person_id
),

staffed as (
    select
        role,
        min(person_id) as person_id
    from person
    where coalesce(is_active, true)
    group by role
),

named as (
    select account_id, 'account_manager' as role, account_manager_id as person_id from account
    union all
    select account_id, 'csm' as role, csm_id as person_id from account
    union all
    select account_id, 'sales' as role, sales_owner_id as person_id from account
),

holder as (
    select
        named.account_id,
        named.role,
        case when present.person_id is null then named.person_id else present.acting_id end as person_id
    from named
    left join present
        on named.person_id = present.person_id
    where named.person_id is not null
),

wanted as (
    select distinct
        account_id,
        check_code
    from finding_row
)

select
    wanted.account_id,
    account.name as account_name,
    wanted.check_code,
    coalesce(check_catalogue.owner_role, 'finance') as owner_role,
    coalesce(
        first_holder.person_id,
        case when check_catalogue.owner_role not in ('account_manager', 'csm', 'sales') then first_staffed.person_id end,
        second_holder.person_id,
        case when check_catalogue.second_role not in ('account_manager', 'csm', 'sales') then second_staffed.person_id end,
        account_owner.owner_id
    ) as owner_id
from wanted
left join account
    on wanted.account_id = account.account_id
left join check_catalogue
    on wanted.check_code = check_catalogue.check_code
left join holder as first_holder
    on wanted.account_id = first_holder.account_id
    and check_catalogue.owner_role = first_holder.role
left join staffed as first_staffed
    on check_catalogue.owner_role = first_staffed.role
left join holder as second_holder
    on wanted.account_id = second_holder.account_id
    and check_catalogue.second_role = second_holder.role
left join staffed as second_staffed
    on check_catalogue.second_role = second_staffed.role
left join account_owner
    on wanted.account_id = account_owner.account_id
