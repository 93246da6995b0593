/*---
title = "Usage per account, day and user, rolled up from events"
owner = "cs"
grain = ["account_id", "usage_date", "user_id"]
each  = "usage_date"
[columns]
account_id   = { type = "text", doc = "The account the user acted for" }
usage_date   = { type = "date", doc = "Calendar day of the events in the job's time zone" }
user_id      = { type = "text", doc = "The user" }
core_actions = { type = "integer", doc = "Events in a core feature; null where no feature is described" }
events       = { type = "integer", doc = "Number of events" }
source       = { type = "text", doc = "Always `rolled`: the rows come from events, so a day without any is a zero" }
source_id    = { type = "text", doc = "Always null: many events make a row" }
[checks]
not_null = ["account_id", "usage_date", "user_id", "events"]
expect.core_within_events = "core_actions is null or core_actions <= events"
[decisions]
anonymous    = "events without a user are left out: nobody can be counted for them"
core_unknown = "core_actions is null, not zero, while the feature entity is empty; a feature it does not list is not core"
---*/
with
event as (
    select
        account_id,
        usage_date,
        user_id,
        feature,
    from usage_event
    where
        usage_date >= cast($span_start as date)
        and usage_date < cast($span_end as date)
        and user_id is not null
),

feature as (
    select
        feature,
        is_core,
    from feature
),

described as (
    select count(*) as features
    from feature
),

per_user as (
    select
        event.account_id,
        event.usage_date,
        event.user_id,
        sum(case when feature.is_core then 1 else 0 end) as core_actions,
        count(*) as events,
    from event
    left join feature
        on feature.feature = event.feature
    group by
        event.account_id,
        event.usage_date,
        event.user_id
)

select
    per_user.account_id,
    per_user.usage_date,
    per_user.user_id,
    cast(case when described.features > 0 then per_user.core_actions end as bigint) as core_actions,
    cast(per_user.events as bigint) as events,
    'rolled' as source,
    cast(null as varchar) as source_id,
from per_user
cross join described
