/*---
title = "Usage per account, day and metric, rolled up from events"
owner = "cs"
grain = ["account_id", "usage_date", "metric", "product_id"]
each  = "usage_date"
[columns]
account_id   = { type = "text", doc = "The account whose people or systems acted" }
usage_date   = { type = "date", doc = "Calendar day of the events in the job's time zone" }
metric       = { type = "text", doc = "What is counted: the event's metric, or `events` where it names none" }
product_id   = { type = "text", doc = "The product used; null where the event names none" }
quantity     = { type = "decimal(18,6)", doc = "Sum of the events' quantities; an event without a quantity counts once" }
events       = { type = "integer", doc = "Number of events" }
active_users = { type = "integer", doc = "Distinct users; null where no event names a user" }
sessions     = { type = "integer", doc = "Distinct sessions; null where no event names a session" }
core_actions = { type = "integer", doc = "Events in a core feature; null where no feature is described" }
source       = { type = "text", doc = "Always `rolled`: the rows come from events, so a day without any is a zero" }
source_id    = { type = "text", doc = "Always null: many events make a row" }
[checks]
not_null = ["account_id", "usage_date", "metric", "quantity", "events"]
expect.has_events = "events > 0"
[decisions]
metric_unnamed    = "an event that names no metric is counted under `events`, one each"
null_in_key       = "product_id may be null: a null is one value of the key"
session_of_a_user = "a session belongs to one user; one shared by two users counts once for each"
core_unknown      = "core_actions is null, not zero, while the feature entity is empty; a feature it does not list is not core"
two_steps         = "distinct users and sessions come from grouping by them first: a distinct set per group does not fit in memory at 20 million events"
---*/
with
event as (
    select
        account_id,
        usage_date,
        coalesce(metric, 'events') as metric,
        product_id,
        user_id,
        session_id,
        feature,
        coalesce(quantity, cast(1 as decimal(18,6))) as quantity,
    from usage_event
    where
        usage_date >= cast($span_start as date)
        and usage_date < cast($span_end as date)
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

-- One row per session first: what follows only counts rows.
per_session as (
    select
        event.account_id,
        event.usage_date,
        event.metric,
        event.product_id,
        event.user_id,
        event.session_id,
        sum(event.quantity) as quantity,
        count(*) as events,
        sum(case when feature.is_core then 1 else 0 end) as core_actions,
    from event
    left join feature
        on feature.feature = event.feature
    group by
        event.account_id,
        event.usage_date,
        event.metric,
        event.product_id,
        event.user_id,
        event.session_id
),

per_user as (
    select
        account_id,
        usage_date,
        metric,
        product_id,
        user_id,
        sum(quantity) as quantity,
        sum(events) as events,
        count(session_id) as sessions,
        sum(core_actions) as core_actions,
    from per_session
    group by
        account_id,
        usage_date,
        metric,
        product_id,
        user_id
),

per_day as (
    select
        account_id,
        usage_date,
        metric,
        product_id,
        sum(quantity) as quantity,
        sum(events) as events,
        count(user_id) as active_users,
        sum(sessions) as sessions,
        sum(core_actions) as core_actions,
    from per_user
    group by
        account_id,
        usage_date,
        metric,
        product_id
)

select
    per_day.account_id,
    per_day.usage_date,
    per_day.metric,
    per_day.product_id,
    cast(per_day.quantity as decimal(18,6)) as quantity,
    cast(per_day.events as bigint) as events,
    cast(nullif(per_day.active_users, 0) as bigint) as active_users,
    cast(nullif(per_day.sessions, 0) as bigint) as sessions,
    cast(case when described.features > 0 then per_day.core_actions end as bigint) as core_actions,
    'rolled' as source,
    cast(null as varchar) as source_id,
from per_day
cross join described
