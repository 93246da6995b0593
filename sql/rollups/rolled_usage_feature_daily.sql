/*---
title = "Usage per account, day and feature, rolled up from events"
owner = "cs"
grain = ["account_id", "usage_date", "feature"]
each  = "usage_date"
[columns]
account_id = { type = "text", doc = "The account the feature was used by" }
usage_date = { type = "date", doc = "Calendar day of the events in the job's time zone" }
feature    = { type = "text", doc = "The feature used" }
quantity   = { type = "decimal(18,6)", doc = "Number of events in the feature: quantities of different metrics do not add up" }
users      = { type = "integer", doc = "Distinct users; null where no event names a user" }
source     = { type = "text", doc = "Always `rolled`: the rows come from events, so a day without any is a zero" }
source_id  = { type = "text", doc = "Always null: many events make a row" }
[checks]
not_null = ["account_id", "usage_date", "feature", "quantity"]
expect.was_used = "quantity > 0"
[decisions]
quantity = "a feature's use is counted in events: its events may carry metrics of different units"
unnamed  = "events without a feature are left out"
---*/
with
event as (
    select
        account_id,
        usage_date,
        feature,
        user_id,
    from usage_event
    where
        usage_date >= cast($span_start as date)
        and usage_date < cast($span_end as date)
        and feature is not null
),

-- Group by user first, then count: no distinct set per group.
per_user as (
    select
        account_id,
        usage_date,
        feature,
        user_id,
        count(*) as events,
    from event
    group by
        account_id,
        usage_date,
        feature,
        user_id
),

per_feature as (
    select
        account_id,
        usage_date,
        feature,
        sum(events) as events,
        count(user_id) as users,
    from per_user
    group by
        account_id,
        usage_date,
        feature
)

select
    account_id,
    usage_date,
    feature,
    cast(events as decimal(18,6)) as quantity,
    cast(nullif(users, 0) as bigint) as users,
    'rolled' as source,
    cast(null as varchar) as source_id,
from per_feature
