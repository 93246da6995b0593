/*---
title = "Health of contacts: whether champion and primary contact are still there"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "False where no contact of anybody's is a champion or primary" }
value = { type = "decimal(18,4)", doc = "What leaving left behind: 0 to 3; null where the account has neither a champion nor a primary contact" }
baseline = { type = "decimal(18,4)", doc = "Days since the last of them left; null where nobody did" }
reason = { type = "text", doc = "What happened, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]
expect.value_in_range = "value is null or value between 0 and 3"

[decisions]
value = "the worse of champion and primary contact: 3 left for longer than the policy's days, or since an unknown day, and nobody follows; 2 left lately and nobody follows yet; 1 left within 180 days and somebody follows; 0 otherwise"
follows = "another contact of the same standing that has not left"
left = "by the day of leaving; a contact marked inactive without a day counts as left. Standing has no history: it is as landed"
---*/
with customer_account as (
    select account_id
    from customer_account
),

account as (
    select
        account_id,
        primary_contact_id,
    from account
),

contact as (
    select
        contact_id,
        account_id,
        role,
        is_primary,
        is_active,
        departed_date,
        created_at,
    from contact
    where created_at is null or created_at < cast($as_of_end as timestamp)
),

standing as (
    select
        contact.account_id,
        'champion' as standing,
        contact.is_active,
        contact.departed_date,
    from contact
    where contact.role = 'champion'
    union all
    select
        contact.account_id,
        'primary contact' as standing,
        contact.is_active,
        contact.departed_date,
    from contact
    left join account
        on account.account_id = contact.account_id
    where coalesce(contact.is_primary, false) or coalesce(account.primary_contact_id = contact.contact_id, false)
),

placed as (
    select
        account_id,
        standing,
        case when departed_date <= cast($as_of as date) then cast($as_of as date) - departed_date end as days_gone,
        coalesce(departed_date <= cast($as_of as date), not coalesce(is_active, true)) as is_gone,
    from standing
),

per_standing as (
    select
        account_id,
        standing,
        sum(case when is_gone then 1 else 0 end) as gone,
        sum(case when is_gone then 0 else 1 end) as present,
        min(days_gone) as days_gone,
    from placed
    group by
        account_id,
        standing
),

judged as (
    select
        account_id,
        standing,
        days_gone,
        case
            when gone = 0 then 0
            when present = 0 and coalesce(days_gone > cast($health_replacement_days as bigint), true) then 3
            when present = 0 then 2
            when days_gone <= 180 then 1
            else 0
        end as value,
    from per_standing
),

-- The worse standing speaks; of two equally bad ones the champion.
worst as (
    select
        account_id,
        standing,
        days_gone,
        value,
    from judged
    qualify row_number() over (partition by account_id order by value desc, standing) = 1
),

known as (
    select count(*) as accounts
    from worst
)

select
    customer_account.account_id,
    known.accounts > 0 as is_applicable,
    cast(worst.value as decimal(18,4)) as value,
    cast(worst.days_gone as decimal(18,4)) as baseline,
    case
        when worst.value is null then 'no champion or primary contact is named'
        when worst.value = 0 then concat('the ', worst.standing, ' is there')
        when worst.value = 1 then concat('a ', worst.standing, ' left ', cast(worst.days_gone as varchar), ' days ago, somebody follows')
        when worst.days_gone is null then concat('the ', worst.standing, ' has left and nobody follows')
        else concat('the ', worst.standing, ' left ', cast(worst.days_gone as varchar), ' days ago and nobody follows')
    end as reason,
from customer_account
cross join known
left join worst
    on worst.account_id = customer_account.account_id
