/*---
title = "Health of breadth and depth: how much of the product is used, and how much each person does"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_breadth_applicable = { type = "boolean", doc = "Use by feature is known of somebody, and the account is no longer ramping up" }
breadth_value = { type = "decimal(18,4)", doc = "Core features used over entitled, percent points; null where unknown" }
breadth_baseline = { type = "decimal(18,4)", doc = "The same 84 days earlier" }
breadth_reason = { type = "text", doc = "The numbers, in one sentence" }
is_depth_applicable = { type = "boolean", doc = "Core actions by person are known of somebody, the account is no longer ramping up, and not too few to judge" }
depth_value = { type = "decimal(18,4)", doc = "Change of core actions per active person against the 28 days before, percent points; null where unknown" }
depth_baseline = { type = "decimal(18,4)", doc = "Core actions per active person in the 28 days before" }
depth_reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_breadth_applicable", "breadth_reason", "is_depth_applicable", "depth_reason"]

[decisions]
applies = "where nobody's use is known by feature or by person the component does not apply to anybody; where only this account's is not, it is unknown"
few = "fewer core actions in either window than a usage test needs say nothing of depth: it does not apply"
gone = "people who all stopped have no depth: that is usage's to tell, depth does not apply"
---*/
with core_depth as (
    select
        account_id,
        features_used,
        features_entitled,
        breadth_pct,
        breadth_before_pct,
        depth,
        depth_1,
        depth_change_pct,
        fewest_actions,
    from core_depth
    where evaluation_date = cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
),

health_usage as (
    select
        account_id,
        is_applicable,
    from health_usage
),

known as (
    select
        count(breadth_pct) as breadths,
        count(fewest_actions) as depths,
    from core_depth
)

select
    core_depth.account_id,
    known.breadths > 0 and health_usage.is_applicable as is_breadth_applicable,
    cast(core_depth.breadth_pct as decimal(18,4)) as breadth_value,
    cast(core_depth.breadth_before_pct as decimal(18,4)) as breadth_baseline,
    case
        when core_depth.breadth_pct is null then 'use by feature is not known'
        else concat(
            cast(core_depth.features_used as varchar), ' of ', cast(core_depth.features_entitled as varchar), ' core features used in 28 days',
            case
                when core_depth.breadth_before_pct is not null
                    then concat(', ', cast(cast(core_depth.breadth_before_pct as decimal(9,1)) as varchar), ' % of them 84 days before')
                else ''
            end
        )
    end as breadth_reason,
    known.depths > 0
        and health_usage.is_applicable
        and coalesce(core_depth.fewest_actions >= cast($usage_min_volume as decimal(9,4)), true)
        as is_depth_applicable,
    core_depth.depth_change_pct as depth_value,
    core_depth.depth_1 as depth_baseline,
    case
        when core_depth.depth_change_pct is null then 'core actions by person are not known'
        else concat(
            cast(cast(core_depth.depth as decimal(18,1)) as varchar), ' core actions per active person after ',
            cast(cast(core_depth.depth_1 as decimal(18,1)) as varchar), ' in the 28 days before'
        )
    end as depth_reason,
from core_depth
inner join health_usage
    on health_usage.account_id = core_depth.account_id
cross join known
