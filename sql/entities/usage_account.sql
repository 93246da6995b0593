/*---
title = "Whose use counts for which account"
owner = "data"
grain = ["named_id", "source", "is_rolled"]
derived = ["named_id", "source", "is_rolled", "account_id", "holder_id", "is_alone"]

[columns]
named_id = { type = "text", doc = "An id that rows of usage carry as account_id" }
source = { type = "text", doc = "The source of those rows" }
is_rolled = { type = "boolean", doc = "Whether they are our own roll-up of events" }
account_id = { type = "text", doc = "The canonical account that the id means" }
holder_id = { type = "text", doc = "The account that its use counts for" }
is_alone = { type = "boolean", doc = "Whether no other id counts for that account: then its rows need not be added up" }

[checks]
not_null = ["named_id", "source", "is_rolled", "account_id", "holder_id", "is_alone"]

[decisions]
once = "Told here once for daily, user and feature use, over the few ids there are instead of the many rows that carry them"
unnamed_source = "Roll-ups of events name no source, so that only ids that mean the same in all can be told"
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

every_name as (
    select account_id as named_id, source, false as is_rolled from provided.usage_daily
    union all
    select account_id as named_id, source, false as is_rolled from provided.usage_user_daily
    union all
    select account_id as named_id, source, false as is_rolled from provided.usage_feature_daily
    union all
    select account_id as named_id, source, true as is_rolled from rolled_usage_daily
    union all
    select account_id as named_id, source, true as is_rolled from rolled_usage_user_daily
    union all
    select account_id as named_id, source, true as is_rolled from rolled_usage_feature_daily
),

named as (
    select
        named_id,
        source,
        is_rolled
    from every_name
    where named_id is not null
    group by
        named_id,
        source,
        is_rolled
),

resolved as (
    select
        named.named_id,
        named.source,
        named.is_rolled,
        coalesce(canonical_account.account_id, named.named_id) as account_id
    from named
    left join canonical_account
        on named.named_id = canonical_account.external_id
        and (canonical_account.source = '' or (canonical_account.source = named.source and not named.is_rolled))
),

held as (
    select
        resolved.named_id,
        resolved.source,
        resolved.is_rolled,
        resolved.account_id,
        coalesce(usage_holder.holder_id, resolved.account_id) as holder_id
    from resolved
    left join usage_holder
        on resolved.account_id = usage_holder.account_id
),

-- One id in several sources is one name of its account.
held_by as (
    select
        holder_id,
        count(*) as names
    from (select distinct holder_id, account_id, named_id from held) as name
    group by holder_id
)

select
    held.named_id,
    held.source,
    held.is_rolled,
    held.account_id,
    held.holder_id,
    held_by.names = 1 as is_alone
from held
inner join held_by
    on held.holder_id = held_by.holder_id
