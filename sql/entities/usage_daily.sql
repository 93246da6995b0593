/*---
title = "Usage per account, day and metric"
owner = "cs"
grain = ["account_id", "usage_date", "metric", "product_id"]
partition_by = ["usage_month"]
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
---*/
with provided_row as (
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

rolled_row as (
    select
        rolled.account_id,
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
    left join provided_row as provided_day
        on rolled.account_id = provided_day.account_id
        and rolled.usage_date = provided_day.usage_date
    where provided_day.account_id is null
),

-- A day is counted from one place only: what a source provides, else our own roll-up of its events.
every_row as (
    select * from provided_row
    union all
    select * from rolled_row
)

select
    account_id,
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
