/*---
title = "Health of onboarding: milestones reached by those that are due"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "Use is still ramping up and milestones of the account are due" }
value = { type = "decimal(18,4)", doc = "Milestones done over those due, percent points; null where none is due" }
baseline = { type = "decimal(18,4)", doc = "Milestones due" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]

[decisions]
instead = "stands in for use while an account ramps up: then onboarding is what it is judged by"
due = "applicable milestones due by as_of; done by as_of, late or not"
---*/
with health_profile as (
    select
        account_id,
        stage,
    from health_profile
    where family = 'usage'
),

health_usage as (
    select
        account_id,
        is_applicable,
    from health_usage
),

milestone as (
    select
        account_id,
        due_date,
        done_at,
    from milestone
    where
        coalesce(is_applicable, true)
        and due_date <= cast($as_of as date)
),

counted as (
    select
        account_id,
        count(*) as due,
        sum(case when done_at < cast($as_of_end as timestamp) then 1 else 0 end) as done,
    from milestone
    group by account_id
)

select
    health_profile.account_id,
    counted.due is not null and (health_profile.stage = 'onboarding' or not health_usage.is_applicable) as is_applicable,
    cast(round(cast(counted.done as double) / cast(counted.due as double) * 100, 4) as decimal(18,4)) as value,
    cast(counted.due as decimal(18,4)) as baseline,
    case
        when counted.due is null then 'no milestone is due'
        else concat(cast(counted.done as varchar), ' of ', cast(counted.due as varchar), ' onboarding milestones due are done')
    end as reason,
from health_profile
inner join health_usage
    on health_usage.account_id = health_profile.account_id
left join counted
    on counted.account_id = health_profile.account_id
