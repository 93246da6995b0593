/*---
title = "Every measured day of the last seventeen weeks, zeros included"
owner = "cs"
grain = ["account_id", "metric", "usage_date"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
usage_date = { type = "date", doc = "The measured day" }
quantity = { type = "decimal(18,6)", doc = "How much was used; 0 on a measured day without use" }
is_masked = { type = "boolean", doc = "A holiday of the account's country or a known outage: no basis for comparison" }

[checks]
not_null = ["account_id", "metric", "usage_date", "quantity", "is_masked"]

[decisions]
zero = "from events, a day is measured once anybody's event of that day has landed: an account without one used nothing, from its first event on. From daily figures, a missing day is unmeasured"
tracker_break = "a day on which nobody has an event is unmeasured for all: it says nothing about customers"
day = "windows end before d = as_of less the policy's lag: the day itself is outside"
sessions = "a session that uses two metrics stands in both: the largest number of a day's rows is taken, never the sum"
outage = "an outage masks every UTC day it touches, for the account it names or for all, once it is published by as_of; published when it began where no date is given"
---*/
with account as (
    select
        account_id,
        country,
    from account
),

holiday as (
    select
        country,
        holiday_date,
    from holiday
),

outage as (
    select
        start_at,
        end_at,
        account_id,
    from outage
    where coalesce(published_at, start_at) < cast($as_of_end as timestamp)
),

usage_subject as (
    select
        account_id,
        metric,
        first_rolled_date,
        is_derived,
    from usage_subject
),

-- Sixteen weeks of noise before the day, and one more for the evaluation a week ago.
usage_daily as (
    select
        account_id,
        metric,
        usage_date,
        quantity,
        core_actions,
        sessions,
        source,
    from usage_daily
    where
        usage_date < cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
        and usage_date >= cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) - 119
),

tracked_day as (
    select distinct usage_date
    from usage_daily
    where source = 'rolled'
),

session_day as (
    select
        account_id,
        usage_date,
        max(sessions) as sessions,
    from usage_daily
    where sessions is not null
    group by
        account_id,
        usage_date
),

usage as (
    select
        account_id,
        metric,
        usage_date,
        quantity,
        false as is_derived,
    from usage_daily
    union all
    select
        account_id,
        'core_actions' as metric,
        usage_date,
        cast(core_actions as decimal(18,6)) as quantity,
        true as is_derived,
    from usage_daily
    where core_actions is not null
    union all
    select
        account_id,
        'sessions' as metric,
        usage_date,
        cast(sessions as decimal(18,6)) as quantity,
        true as is_derived,
    from session_day
),

-- A zero for every tracked day adds nothing to a day with use and makes a day without use measured.
measured as (
    select
        usage.account_id,
        usage.metric,
        usage.usage_date,
        usage.quantity,
    from usage
    inner join usage_subject
        on usage_subject.account_id = usage.account_id
        and usage_subject.metric = usage.metric
        and usage_subject.is_derived = usage.is_derived
    union all
    select
        usage_subject.account_id,
        usage_subject.metric,
        tracked_day.usage_date,
        cast(0 as decimal(18,6)) as quantity,
    from usage_subject
    cross join tracked_day
    where tracked_day.usage_date >= usage_subject.first_rolled_date
),

measured_day as (
    select
        account_id,
        metric,
        usage_date,
        sum(quantity) as quantity,
    from measured
    group by
        account_id,
        metric,
        usage_date
),

day as (
    select distinct usage_date
    from measured_day
),

outage_day as (
    select distinct
        outage.account_id,
        day.usage_date,
    from outage
    inner join day
        on outage.start_at < cast(day.usage_date + 1 as timestamp)
        and outage.end_at > cast(day.usage_date as timestamp)
),

masked_day as (
    select
        account.account_id,
        holiday.holiday_date as usage_date,
    from account
    inner join holiday
        on holiday.country = account.country
    union
    select
        account.account_id,
        outage_day.usage_date,
    from account
    inner join outage_day
        on outage_day.account_id = account.account_id
    union
    select
        account.account_id,
        outage_day.usage_date,
    from account
    cross join outage_day
    where outage_day.account_id is null
)

select
    measured_day.account_id,
    measured_day.metric,
    measured_day.usage_date,
    cast(measured_day.quantity as decimal(18,6)) as quantity,
    masked_day.account_id is not null as is_masked,
from measured_day
left join masked_day
    on masked_day.account_id = measured_day.account_id
    and masked_day.usage_date = measured_day.usage_date
