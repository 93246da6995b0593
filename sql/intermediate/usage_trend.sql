/*---
title = "Thirteen weeks of use: the slope under the noise"
owner = "cs"
grain = ["account_id", "metric"]

[columns]
account_id = { type = "text", doc = "The account" }
metric = { type = "text", doc = "The metric" }
weeks = { type = "integer", doc = "Whole weeks measured out of thirteen" }
slope_13w = { type = "decimal(18,8)", doc = "Theil-Sen slope: median change per week of ln(weekly use + 1) over all pairs of weeks" }
kendall_z = { type = "decimal(18,6)", doc = "How sure the direction is: Mann-Kendall S over its standard deviation, with continuity correction" }

[checks]
not_null = ["account_id", "metric", "weeks", "slope_13w", "kendall_z"]

[decisions]
weeks = "at least the policy's number of whole weeks; otherwise there is no row"
kendall = "variance n(n-1)(2n+5)/18, without a correction for ties"
median = "by rank over slopes rounded to eight decimals, so that no float is aggregated"
---*/
with usage_week as (
    select
        account_id,
        metric,
        weeks_before,
        quantity,
    from usage_week
    where weeks_before < 13
),

logged as (
    select
        account_id,
        metric,
        weeks_before,
        ln(cast(quantity as double) + 1) as log_quantity,
    from usage_week
),

-- One row per pair of weeks, the older first.
pair as (
    select
        older.account_id,
        older.metric,
        older.weeks_before as older_week,
        newer.weeks_before as newer_week,
        cast(
            round((newer.log_quantity - older.log_quantity) / cast(older.weeks_before - newer.weeks_before as double), 8)
            as decimal(18,8)
        ) as slope,
    from logged as older
    inner join logged as newer
        on newer.account_id = older.account_id
        and newer.metric = older.metric
        and newer.weeks_before < older.weeks_before
),

ranked as (
    select
        account_id,
        metric,
        slope,
        row_number() over (partition by account_id, metric order by slope, older_week, newer_week) as rank,
        count(*) over (partition by account_id, metric) as pairs,
    from pair
),

middle as (
    select
        account_id,
        metric,
        sum(case when slope > 0 then 1 when slope < 0 then -1 else 0 end) as direction,
        max(case when 2 * rank = pairs + pairs % 2 then slope end) as slope_low,
        max(case when 2 * rank = pairs + 2 - pairs % 2 then slope end) as slope_high,
    from ranked
    group by
        account_id,
        metric
),

counted as (
    select
        account_id,
        metric,
        count(*) as weeks,
    from usage_week
    group by
        account_id,
        metric
)

select
    counted.account_id,
    counted.metric,
    cast(counted.weeks as bigint) as weeks,
    cast(round(cast(middle.slope_low + middle.slope_high as double) / 2, 8) as decimal(18,8)) as slope_13w,
    cast(
        round(
            cast(middle.direction + case when middle.direction < 0 then 1 when middle.direction > 0 then -1 else 0 end as double)
            / sqrt(cast(counted.weeks * (counted.weeks - 1) * (2 * counted.weeks + 5) as double) / 18),
            6
        )
        as decimal(18,6)
    ) as kendall_z,
from counted
inner join middle
    on middle.account_id = counted.account_id
    and middle.metric = counted.metric
where counted.weeks >= cast($usage_min_weeks as bigint)
