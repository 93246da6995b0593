/*---
title = "Usage per account, day and feature"
owner = "cs"
grain = ["account_id", "usage_date", "feature"]

[columns]
account_id = { type = "text", doc = "The account" }
usage_date = { type = "date", doc = "The day" }
feature = { type = "text", doc = "The feature" }
quantity = { type = "decimal(18,6)", doc = "How much was used" }
users = { type = "integer", doc = "How many different users" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["account_id", "usage_date", "feature"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
provided_beats_events = "Where a source provides the day's roll-up itself, events of that account and day are not counted again"
---*/
with provided_row as (
    select
        account_id,
        usage_date,
        feature,
        quantity,
        users,
        source,
        source_id
    from provided.usage_feature_daily
    qualify row_number() over (partition by account_id, usage_date, feature order by _landed desc) = 1
),

rolled_row as (
    select
        rolled.account_id,
        rolled.usage_date,
        rolled.feature,
        rolled.quantity,
        rolled.users,
        rolled.source,
        rolled.source_id
    from rolled_usage_feature_daily as rolled
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
    feature,
    quantity,
    users,
    source,
    source_id
from every_row
