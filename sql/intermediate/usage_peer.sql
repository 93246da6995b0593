/*---
title = "How use changed among an account's peers"
owner = "cs"
grain = ["account_id", "metric", "evaluation_date", "window_days"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
evaluation_date = { type = "date", doc = "The day d the windows end before" }
window_days = { type = "integer", doc = "Length of each window" }
peers = { type = "integer", doc = "Other accounts of the segment and product whose change is known" }
peer_ratio = { type = "decimal(18,8)", doc = "Median over the peers of current over prior use, clipped; 1 with too few peers" }

[checks]
not_null = ["account_id", "metric", "evaluation_date", "window_days", "peers", "peer_ratio"]

[decisions]
peers = "same metric, segment and main product; measured, not ramping, with use in the prior window; the account itself is left out"
leave_one_out = "the median of the others follows from the account's own rank and three middle values of its group: no account is compared with every other"
few_peers = "under the policy's number of peers nothing is adjusted: r = 1"
---*/
with usage_window as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        segment,
        product_id,
        current_quantity,
        prior_quantity,
        is_measured,
        is_ramping,
    from usage_window
),

changed as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        segment,
        product_id,
        cast(round(cast(current_quantity as double) / cast(prior_quantity as double), 8) as decimal(18,8)) as ratio,
    from usage_window
    where
        is_measured
        and not is_ramping
        and prior_quantity > 0
),

ranked as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        segment,
        product_id,
        ratio,
        row_number() over (
            partition by metric, evaluation_date, window_days, segment, product_id
            order by ratio, account_id
        ) as rank,
        count(*) over (partition by metric, evaluation_date, window_days, segment, product_id) as members,
    from changed
),

-- With h = members / 2 rounded down: the values at ranks h, h + 1 and h + 2 are all a median without one member can need.
middle as (
    select
        metric,
        evaluation_date,
        window_days,
        segment,
        product_id,
        max(members) as members,
        max(case when 2 * rank = members - members % 2 then ratio end) as ratio_h,
        max(case when 2 * rank = members - members % 2 + 2 then ratio end) as ratio_h1,
        max(case when 2 * rank = members - members % 2 + 4 then ratio end) as ratio_h2,
    from ranked
    group by
        metric,
        evaluation_date,
        window_days,
        segment,
        product_id
),

-- A member's rank shifts everything above it down by one; an outsider shifts nothing.
seated as (
    select
        usage_window.account_id,
        usage_window.metric,
        usage_window.evaluation_date,
        usage_window.window_days,
        coalesce(middle.members, 0) - case when ranked.rank is null then 0 else 1 end as peers,
        middle.members % 2 = 0 as is_even,
        case when 2 * ranked.rank > middle.members - middle.members % 2 then middle.ratio_h else middle.ratio_h1 end as ratio_low,
        case when 2 * ranked.rank > middle.members - middle.members % 2 + 2 then middle.ratio_h1 else middle.ratio_h2 end as ratio_high,
        ranked.rank is null as is_outsider,
        middle.ratio_h,
        middle.ratio_h1,
    from usage_window
    left join middle
        on middle.metric = usage_window.metric
        and middle.evaluation_date = usage_window.evaluation_date
        and middle.window_days = usage_window.window_days
        and middle.segment = usage_window.segment
        and middle.product_id = usage_window.product_id
    left join ranked
        on ranked.account_id = usage_window.account_id
        and ranked.metric = usage_window.metric
        and ranked.evaluation_date = usage_window.evaluation_date
        and ranked.window_days = usage_window.window_days
),

-- Twice the median, so that nothing is divided while it is exact.
doubled as (
    select
        account_id,
        metric,
        evaluation_date,
        window_days,
        peers,
        case
            when is_outsider and is_even then ratio_h + ratio_h1
            when is_outsider then ratio_h1 + ratio_h1
            when is_even then ratio_low + ratio_low
            else ratio_low + ratio_high
        end as twice_median,
    from seated
)

select
    account_id,
    metric,
    evaluation_date,
    window_days,
    cast(peers as bigint) as peers,
    cast(
        case
            when peers < cast($usage_min_peers as bigint) then 1
            else least(
                greatest(
                    cast(round(cast(twice_median as double) / 2, 8) as decimal(18,8)),
                    cast(cast($usage_peer_ratio_min as decimal(9,4)) as decimal(18,8))
                ),
                cast(cast($usage_peer_ratio_max as decimal(9,4)) as decimal(18,8))
            )
        end
        as decimal(18,8)
    ) as peer_ratio,
from doubled
