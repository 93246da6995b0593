/*---
title = "Accounts whose use counts for the account above them"
owner = "data"
grain = ["account_id"]
derived = ["account_id", "holder_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
account_id = { type = "text", doc = "The account that uses the product and has no contract of its own" }
holder_id = { type = "text", doc = "The nearest account above it that has one" }

[checks]
not_null = ["account_id", "holder_id"]

[decisions]
pooled = "Where the parent is billed and the child uses, the use is the parent's: it counts towards its contracts and its health"
own_contract = "An account with a contract of its own, of any age, keeps its use"
height = "At most ten steps are climbed, so that accounts that are each other's parents do no harm"
---*/
with recursive known as (
    select
        account_id,
        parent_account_id
    from account
),

signed as (
    select distinct account_id
    from contract
    where effective_date <= cast($as_of as date)
),

standing as (
    select
        known.account_id,
        known.parent_account_id,
        signed.account_id is not null as has_contract
    from known
    left join signed
        on known.account_id = signed.account_id
),

climb as (
    select
        account_id,
        parent_account_id as reached_id,
        1 as steps
    from standing
    where not has_contract
        and parent_account_id is not null
    union all
    select
        climb.account_id,
        standing.parent_account_id as reached_id,
        climb.steps + 1 as steps
    from climb
    inner join standing
        on climb.reached_id = standing.account_id
    where not standing.has_contract
        and standing.parent_account_id is not null
        and climb.steps < 10
)

select
    climb.account_id,
    climb.reached_id as holder_id
from climb
inner join standing
    on climb.reached_id = standing.account_id
where standing.has_contract
