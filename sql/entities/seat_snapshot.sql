/*---
title = "Seats over time"
owner = "cs"
grain = ["account_id", "product_id", "snapshot_date"]

[columns]
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "The product" }
snapshot_date = { type = "date", doc = "The day" }
assigned = { type = "decimal(18,6)", doc = "Seats assigned to people" }
active = { type = "decimal(18,6)", doc = "Seats in use" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["account_id", "snapshot_date"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "product_id may be null: a null is one value of the key"
whose = "The account is the canonical one, and of an account without a contract the one above it that has one"
pooled = "Seats of several groups or accounts that count as one are added up"
---*/
with canonical_account as (
    select
        external_id,
        source,
        account_id
    from canonical_account
),

usage_holder as (
    select
        account_id,
        holder_id
    from usage_holder
),

provided_newest as (
    select
        account_id,
        product_id,
        snapshot_date,
        assigned,
        active,
        source,
        source_id
    from provided.seat_snapshot
    qualify row_number() over (partition by account_id, product_id, snapshot_date order by _landed desc) = 1
),

provided_row as (
    select
        coalesce(canonical_account.account_id, provided_newest.account_id) as account_id,
        provided_newest.product_id,
        provided_newest.snapshot_date,
        provided_newest.assigned,
        provided_newest.active,
        provided_newest.source,
        provided_newest.source_id,
        provided_newest.account_id as named_id
    from provided_newest
    left join canonical_account
        on provided_newest.account_id = canonical_account.external_id
        and (canonical_account.source = '' or canonical_account.source = provided_newest.source)
),

named as (
    select
        account_id,
        named_id
    from provided_row
    group by
        account_id,
        named_id
),

-- Most accounts are named by one id: their rows pass as they are, and only the others' are added up.
holder as (
    select
        named.account_id,
        named.named_id,
        coalesce(usage_holder.holder_id, named.account_id) as holder_id,
        count(*) over (partition by coalesce(usage_holder.holder_id, named.account_id)) = 1 as is_alone
    from named
    left join usage_holder
        on named.account_id = usage_holder.account_id
),

held_row as (
    select
        holder.holder_id as account_id,
        provided_row.product_id,
        provided_row.snapshot_date,
        provided_row.assigned,
        provided_row.active,
        provided_row.source,
        provided_row.source_id,
        holder.is_alone
    from provided_row
    inner join holder
        on provided_row.account_id = holder.account_id
        and provided_row.named_id = holder.named_id
)

select
    account_id,
    product_id,
    snapshot_date,
    assigned,
    active,
    source,
    source_id
from held_row
where is_alone
union all
select
    account_id,
    product_id,
    snapshot_date,
    cast(sum(assigned) as decimal(18,6)) as assigned,
    cast(sum(active) as decimal(18,6)) as active,
    min(source) as source,
    min(source_id) as source_id
from held_row
where not is_alone
group by
    account_id,
    snapshot_date,
    product_id
