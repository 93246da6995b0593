/*---
title = "What usage signals are about: one account's use of one metric"
owner = "cs"
grain = ["account_id", "metric"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric: those of usage_daily, and core_actions and sessions over all of them" }
segment = { type = "text", doc = "The account's segment; empty where it has none" }
product_id = { type = "text", doc = "The product most of the quantity belongs to; empty where none is named" }
first_usage_date = { type = "date", doc = "First measured day" }
first_rolled_date = { type = "date", doc = "First day with events; null where usage is provided by the day" }
is_derived = { type = "boolean", doc = "The metric is taken from the core actions or sessions of all metrics" }
live_date = { type = "date", doc = "Day the account went live: its first contract's go-live, else its start; null where no contract is known" }

[checks]
not_null = ["account_id", "metric", "segment", "product_id", "is_derived", "first_usage_date"]

[decisions]
whose = "internal accounts and prospects are left out: they are nobody's peers"
core_actions = "beside the metrics as they come, the actions in core features and the sessions are metrics of their own, unless a metric of that name is provided"
product = "an account's peers for a metric use the same product most, by quantity over all its history; ties go to the smaller product id"
live = "a renewal does not make an account new: the earliest go-live, or start where no go-live is known, over all contracts counts"
---*/
with customer_account as (
    select
        account_id,
        segment,
    from customer_account
),

contract as (
    select
        account_id,
        start_date,
        go_live_date,
    from contract
    where effective_date <= cast($as_of as date)
),

usage_daily as (
    select
        account_id,
        metric,
        product_id,
        usage_date,
        quantity,
        core_actions,
        sessions,
        source,
    from usage_daily
    where usage_date <= cast($as_of as date)
),

-- One pass over history; everything below works on what is left of it.
summed as (
    select
        account_id,
        metric,
        coalesce(product_id, '') as product_id,
        sum(quantity) as quantity,
        min(usage_date) as first_usage_date,
        min(case when source = 'rolled' then usage_date end) as first_rolled_date,
        sum(cast(core_actions as decimal(18,6))) as core_actions,
        min(case when core_actions is not null then usage_date end) as first_core_date,
        min(case when core_actions is not null and source = 'rolled' then usage_date end) as first_rolled_core_date,
        sum(cast(sessions as decimal(18,6))) as sessions,
        min(case when sessions is not null then usage_date end) as first_session_date,
        min(case when sessions is not null and source = 'rolled' then usage_date end) as first_rolled_session_date,
    from usage_daily
    group by
        account_id,
        metric,
        coalesce(product_id, '')
),

provided as (
    select
        sum(case when metric = 'core_actions' then 1 else 0 end) as core_actions,
        sum(case when metric = 'sessions' then 1 else 0 end) as sessions,
    from summed
),

usage as (
    select
        account_id,
        metric,
        product_id,
        quantity,
        first_usage_date,
        first_rolled_date,
        false as is_derived,
    from summed
    union all
    select
        summed.account_id,
        'core_actions' as metric,
        summed.product_id,
        summed.core_actions as quantity,
        summed.first_core_date as first_usage_date,
        summed.first_rolled_core_date as first_rolled_date,
        true as is_derived,
    from summed
    cross join provided
    where
        provided.core_actions = 0
        and summed.first_core_date is not null
    union all
    select
        summed.account_id,
        'sessions' as metric,
        summed.product_id,
        summed.sessions as quantity,
        summed.first_session_date as first_usage_date,
        summed.first_rolled_session_date as first_rolled_date,
        true as is_derived,
    from summed
    cross join provided
    where
        provided.sessions = 0
        and summed.first_session_date is not null
),

per_product as (
    select
        account_id,
        metric,
        product_id,
        sum(quantity) as quantity,
        min(first_usage_date) as first_usage_date,
        min(first_rolled_date) as first_rolled_date,
        bool_or(is_derived) as is_derived,
    from usage
    group by
        account_id,
        metric,
        product_id
),

main_product as (
    select
        account_id,
        metric,
        product_id,
    from per_product
    qualify row_number() over (partition by account_id, metric order by quantity desc, product_id) = 1
),

first_day as (
    select
        account_id,
        metric,
        min(first_usage_date) as first_usage_date,
        min(first_rolled_date) as first_rolled_date,
        bool_or(is_derived) as is_derived,
    from per_product
    group by
        account_id,
        metric
),

live as (
    select
        account_id,
        min(coalesce(go_live_date, start_date)) as live_date,
    from contract
    group by account_id
)

select
    first_day.account_id,
    first_day.metric,
    customer_account.segment,
    main_product.product_id,
    first_day.first_usage_date,
    first_day.first_rolled_date,
    first_day.is_derived,
    live.live_date,
from first_day
inner join customer_account
    on customer_account.account_id = first_day.account_id
inner join main_product
    on main_product.account_id = first_day.account_id
    and main_product.metric = first_day.metric
left join live
    on live.account_id = first_day.account_id
