/*---
title = "Where the score is heading"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
delta_28d = { type = "decimal(9,4)", doc = "Score less the score 28 days ago; null without either" }
slope_13w = { type = "decimal(9,4)", doc = "Theil-Sen slope of up to 13 weekly scores, points per week" }
is_worsening = { type = "boolean", doc = "Lost the policy's points in 28 days, or fell three weeks in a row; null where neither is known" }

[checks]
not_null = ["account_id"]

[decisions]
slope = "from the policy's number of weekly scores on; median by rank over slopes rounded to four decimals"
falling = "four scores, each below the one a week before"
---*/
with health_score as (
    select
        account_id,
        score,
        is_sufficient,
    from health_score
),

health_history as (
    select
        account_id,
        weeks_before,
        score,
    from health_history
),

weekly as (
    select
        account_id,
        cast(0 as bigint) as weeks_before,
        score,
    from health_score
    where is_sufficient
    union all
    select
        account_id,
        weeks_before,
        score,
    from health_history
    where score is not null
),

recent as (
    select
        account_id,
        count(*) as scores,
        max(case when weeks_before = 0 then score end) as score_now,
        max(case when weeks_before = 1 then score end) as score_1w,
        max(case when weeks_before = 2 then score end) as score_2w,
        max(case when weeks_before = 3 then score end) as score_3w,
        max(case when weeks_before = 4 then score end) as score_4w,
    from weekly
    group by account_id
),

pair as (
    select
        older.account_id,
        older.weeks_before as older_week,
        newer.weeks_before as newer_week,
        cast(
            round(cast(newer.score - older.score as double) / cast(older.weeks_before - newer.weeks_before as double), 4)
            as decimal(9,4)
        ) as slope,
    from weekly as older
    inner join weekly as newer
        on newer.account_id = older.account_id
        and newer.weeks_before < older.weeks_before
),

ranked as (
    select
        account_id,
        slope,
        row_number() over (partition by account_id order by slope, older_week, newer_week) as rank,
        count(*) over (partition by account_id) as pairs,
    from pair
),

middle as (
    select
        account_id,
        max(case when 2 * rank = pairs + pairs % 2 then slope end) as slope_low,
        max(case when 2 * rank = pairs + 2 - pairs % 2 then slope end) as slope_high,
    from ranked
    group by account_id
)

select
    health_score.account_id,
    cast(recent.score_now - recent.score_4w as decimal(9,4)) as delta_28d,
    case
        when recent.score_now is not null and recent.scores >= cast($health_min_evaluations as bigint)
            then cast(round(cast(middle.slope_low + middle.slope_high as double) / 2, 4) as decimal(9,4))
    end as slope_13w,
    case
        when recent.score_now - recent.score_4w <= -cast($health_worsening_points as decimal(9,4)) then true
        when
            recent.score_now < recent.score_1w
            and recent.score_1w < recent.score_2w
            and recent.score_2w < recent.score_3w
            then true
        when recent.score_now - recent.score_4w is not null then false
        when recent.score_now - recent.score_1w + recent.score_2w - recent.score_3w is not null then false
    end as is_worsening,
from health_score
left join recent
    on recent.account_id = health_score.account_id
left join middle
    on middle.account_id = health_score.account_id
