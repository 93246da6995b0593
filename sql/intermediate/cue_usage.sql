/*---
title = "Use that runs into a limit: refused invitations and calls, closed features, trials"
owner = "cs"
grain = ["account_id", "kind"]

[columns]
account_id = { type = "text", doc = "The account" }
kind = { type = "text", doc = "blocked_invites, feature_gates, rate_limited, invite_burst or trial_use" }
product_id = { type = "text", doc = "The product, where one is named; else empty" }
event_date = { type = "date", doc = "Last day it was seen" }
expires_date = { type = "date", doc = "Last day it is a cue" }
statement = { type = "text", doc = "What was measured, in one sentence" }

[checks]
not_null = ["account_id", "kind", "product_id", "event_date", "expires_date", "statement"]

[decisions]
metrics = "Refusals and invitations are usage metrics whose names the policy gives; a company that does not record them has no such cue"
people = "People at a gate are those of one day, the most of any: summed over days one person would count several times"
trial = "Days of use of a feature on trial stand for sessions"
---*/
with usage_daily as (
    select
        account_id,
        metric,
        product_id,
        usage_date,
        quantity,
        active_users
    from usage_daily
    where usage_date <= cast($as_of as date)
        and usage_date > cast($as_of as date) - 63
        and metric in (
            cast($cue_metric_blocked_invites as varchar),
            cast($cue_metric_feature_gates as varchar),
            cast($cue_metric_rate_limited as varchar),
            cast($cue_metric_calls as varchar),
            cast($cue_metric_invites as varchar)
        )
),

usage_feature_daily as (
    select
        account_id,
        feature,
        usage_date
    from usage_feature_daily
    where usage_date <= cast($as_of as date)
        and usage_date > cast($as_of as date) - 14
        and quantity > 0
),

feature as (
    select
        feature,
        product_id
    from feature
    where entitlement = 'trial'
),

measured as (
    select
        account_id,
        sum(case when metric = cast($cue_metric_blocked_invites as varchar) and usage_date > cast($as_of as date) - 30 then quantity else 0 end) as blocked,
        max(case when metric = cast($cue_metric_blocked_invites as varchar) and quantity > 0 then usage_date end) as blocked_date,
        max(case when metric = cast($cue_metric_feature_gates as varchar) and usage_date > cast($as_of as date) - 14 then active_users end) as gate_users,
        max(case when metric = cast($cue_metric_feature_gates as varchar) and active_users >= cast($cue_gate_users as bigint) then usage_date end) as gate_date,
        sum(case when metric = cast($cue_metric_rate_limited as varchar) and usage_date > cast($as_of as date) - 7 then quantity else 0 end) as refused,
        sum(case when metric = cast($cue_metric_calls as varchar) and usage_date > cast($as_of as date) - 7 then quantity else 0 end) as calls,
        max(case when metric = cast($cue_metric_rate_limited as varchar) and quantity > 0 then usage_date end) as refused_date,
        sum(case when metric = cast($cue_metric_invites as varchar) and usage_date > cast($as_of as date) - 7 then quantity else 0 end) as invites,
        sum(case when metric = cast($cue_metric_invites as varchar) and usage_date <= cast($as_of as date) - 7 then quantity else 0 end) as invites_before,
        max(case when metric = cast($cue_metric_invites as varchar) and quantity > 0 then usage_date end) as invites_date
    from usage_daily
    group by account_id
),

trial_day as (
    select distinct
        usage_feature_daily.account_id,
        coalesce(feature.product_id, '') as product_id,
        feature.feature,
        usage_feature_daily.usage_date
    from usage_feature_daily
    inner join feature
        on usage_feature_daily.feature = feature.feature
),

-- The trial feature used on the most days speaks for the account.
trial as (
    select
        account_id,
        product_id,
        feature,
        count(*) as days,
        max(usage_date) as event_date
    from trial_day
    group by
        account_id,
        product_id,
        feature
    qualify row_number() over (partition by account_id order by count(*) desc, product_id, feature) = 1
),

every_cue as (
    select
        account_id,
        'blocked_invites' as kind,
        '' as product_id,
        blocked_date as event_date,
        14 as days,
        concat(cast(cast(blocked as decimal(18,0)) as varchar), ' invitations were refused for want of seats in 30 days') as statement
    from measured
    where blocked >= cast($cue_blocked_invites as bigint)
    union all
    select
        account_id,
        'feature_gates' as kind,
        '' as product_id,
        gate_date as event_date,
        14 as days,
        concat('On one day ', cast(gate_users as varchar), ' people were stopped at a feature they have not bought') as statement
    from measured
    where gate_users >= cast($cue_gate_users as bigint)
    union all
    select
        account_id,
        'rate_limited' as kind,
        '' as product_id,
        refused_date as event_date,
        7 as days,
        concat(
            cast(cast(refused as decimal(18,0)) as varchar), ' of ', cast(cast(calls as decimal(18,0)) as varchar),
            ' calls were refused for their number in 7 days'
        ) as statement
    from measured
    where refused > 0
        and cast(refused as double) * 100 >= cast(calls as double) * cast(cast($cue_rate_limited_pct as decimal(9,4)) as double)
    union all
    select
        account_id,
        'invite_burst' as kind,
        '' as product_id,
        invites_date as event_date,
        14 as days,
        concat(
            cast(cast(invites as decimal(18,0)) as varchar), ' invitations in a week after ',
            cast(cast(round(cast(invites_before as double) / 8, 1) as decimal(18,1)) as varchar), ' a week in the eight weeks before'
        ) as statement
    from measured
    where invites_before > 0
        and cast(invites as double) * 8 > cast(invites_before as double) * cast(cast($cue_invite_ratio as decimal(9,4)) as double)
    union all
    select
        account_id,
        'trial_use' as kind,
        product_id,
        event_date,
        14 as days,
        concat('The trial of ', feature, ' was used on ', cast(days as varchar), ' of 14 days') as statement
    from trial
    where days >= cast($cue_trial_days as bigint)
)

select
    account_id,
    kind,
    product_id,
    event_date,
    cast(event_date + days as date) as expires_date,
    statement
from every_cue
