/*---
title = "Usage per account, day and metric"
owner = "cs"
grain = ["account_id", "usage_date", "metric", "product_id"]
partition_by = ["usage_month"]
month_of = "usage_date"
publish = true
derived = ["usage_month"]

[columns]
account_id = { type = "text", doc = "The account" }
usage_date = { type = "date", doc = "The day" }
usage_month = { type = "date", doc = "First day of the month, the partition" }
metric = { type = "text", doc = "The metric" }
product_id = { type = "text", doc = "The product" }
quantity = { type = "decimal(18,6)", doc = "How much was used" }
events = { type = "integer", doc = "How many events" }
active_users = { type = "integer", doc = "How many different users" }
sessions = { type = "integer", doc = "How many different sessions" }
core_actions = { type = "integer", doc = "How many events on core features" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["account_id", "usage_date", "usage_month", "metric", "quantity"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
null_in_key = "product_id may be null: a null is one value of the key"
provided_beats_events = "Where a source provides the day's roll-up itself, events of that account and day are not counted again"
whose = "The account is the canonical one, and of an account without a contract the one above it that has one"
pooled = "Use of several groups or accounts that count as one is added up; their users and sessions are taken to be different ones"
---*/
with usage_account as (
    select
        named_id,
        source,
        is_rolled,
        account_id,
        holder_id,
        is_alone
    from usage_account
),

provided_newest as (
    select
        account_id,
        usage_date,
        metric,
        product_id,
        quantity,
        events,
        active_users,
        sessions,
        core_actions,
        source,
        source_id
    from provided.usage_daily
    qualify row_number() over (partition by account_id, usage_date, metric, product_id order by _landed desc) = 1
),

provided_row as (
    select
        usage_account.account_id,
        usage_account.holder_id,
        usage_account.is_alone,
        provided_newest.usage_date,
        provided_newest.metric,
        provided_newest.product_id,
        provided_newest.quantity,
        provided_newest.events,
        provided_newest.active_users,
        provided_newest.sessions,
        provided_newest.core_actions,
        provided_newest.source,
        provided_newest.source_id
    from provided_newest
    inner join usage_account
        on provided_newest.account_id = usage_account.named_id
        and provided_newest.source = usage_account.source
    where not usage_account.is_rolled
),

-- Only of accounts that have both are there days for which one place must be chosen: few, beside all rows of either.
shared_account as (
    select account_id
    from usage_account
    group by account_id
    having max(case when is_rolled then 1 else 0 end) > min(case when is_rolled then 1 else 0 end)
),

shared_name as (
    select
        usage_account.named_id,
        usage_account.source,
        usage_account.account_id
    from usage_account
    inner join shared_account
        on usage_account.account_id = shared_account.account_id
    where not usage_account.is_rolled
),

provided_day as (
    select distinct
        shared_name.account_id,
        provided_any.usage_date
    from shared_name
    inner join provided.usage_daily as provided_any
        on shared_name.named_id = provided_any.account_id
        and shared_name.source = provided_any.source
),

rolled_row as (
    select
        usage_account.account_id,
        usage_account.holder_id,
        usage_account.is_alone,
        rolled.usage_date,
        rolled.metric,
        rolled.product_id,
        rolled.quantity,
        rolled.events,
        rolled.active_users,
        rolled.sessions,
        rolled.core_actions,
        rolled.source,
        rolled.source_id
    from rolled_usage_daily as rolled
    inner join usage_account
        on rolled.account_id = usage_account.named_id
        and rolled.source = usage_account.source
    where usage_account.is_rolled
),

-- A day is counted from one place only: what a source provides, else our own roll-up of its events.
every_row as (
    select * from provided_row
    union all
    select rolled_row.*
    from provided_day
    right join rolled_row
        on provided_day.account_id = rolled_row.account_id
        and provided_day.usage_date = rolled_row.usage_date
    where provided_day.account_id is null
)

-- Most accounts are named by one id: their rows pass as they are, and only the others' are added up.
select
    holder_id as account_id,
    usage_date,
    cast(date_trunc('month', usage_date) as date) as usage_month,
    metric,
    product_id,
    quantity,
    events,
    active_users,
    sessions,
    core_actions,
    source,
    source_id
from every_row
where is_alone
union all
select
    holder_id as account_id,
    usage_date,
    cast(date_trunc('month', usage_date) as date) as usage_month,
    metric,
    product_id,
    cast(sum(quantity) as decimal(18,6)) as quantity,
    cast(sum(events) as bigint) as events,
    cast(sum(active_users) as bigint) as active_users,
    cast(sum(sessions) as bigint) as sessions,
    cast(sum(core_actions) as bigint) as core_actions,
    coalesce(min(case when source <> 'rolled' then source end), 'rolled') as source,
    min(source_id) as source_id
from every_row
where not is_alone
group by
    holder_id,
    usage_date,
    metric,
    product_id
