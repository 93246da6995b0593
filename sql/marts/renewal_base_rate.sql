/*---
title = "How much was renewed before, by health band and time to the notice deadline"
owner = "cs"
grain = ["band", "notice_window", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
band = { type = "text", doc = "Health band published before the decision: red, yellow, green or insufficient_data" }
notice_window = { type = "text", doc = "Days to the notice deadline then: over_180, 91_180, 31_90, 0_30 or past; any: all of them" }
outcomes = { type = "integer", doc = "Recorded decisions observed" }
losses = { type = "integer", doc = "Of them, losses" }
kept = { type = "decimal(18,6)", doc = "What was kept of them: 1 for each renewal, less for one that shrank" }
kept_pct = { type = "decimal(18,4)", doc = "kept over outcomes, percent points" }
low_pct = { type = "decimal(18,4)", doc = "Lower end of its 95 % interval, percent points" }
high_pct = { type = "decimal(18,4)", doc = "Upper end, percent points" }
is_usable = { type = "boolean", doc = "Enough outcomes and losses in all, and enough of this band and window, for a forecast to use it" }
outcomes_in_all = { type = "integer", doc = "Decisions of any band that were observed" }
losses_in_all = { type = "integer", doc = "Of them, losses" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["band", "notice_window", "outcomes", "losses", "kept", "kept_pct", "low_pct", "high_pct", "is_usable", "as_of_date"]
expect.inside = "low_pct <= kept_pct and kept_pct <= high_pct and low_pct >= 0 and high_pct <= 100"

[decisions]
own = "Only this company's own decisions count; no rate is ever assumed for a colour"
interval = "Wilson with z = 1.96"
once = "An outcome counts once in each window it was observed in, and once in any, with the band published longest before"
---*/
with renewal_observation as (
    select
        outcome_id,
        band,
        notice_window,
        kept_share,
        is_lost,
        is_widest
    from renewal_observation
),

every_cell as (
    select
        band,
        notice_window,
        kept_share,
        is_lost
    from renewal_observation
    union all
    select
        band,
        'any' as notice_window,
        kept_share,
        is_lost
    from renewal_observation
    where is_widest
),

in_all as (
    select
        count(*) as outcomes,
        coalesce(sum(case when is_lost then 1 else 0 end), 0) as losses
    from renewal_observation
    where is_widest
),

counted as (
    select
        band,
        notice_window,
        count(*) as outcomes,
        sum(case when is_lost then 1 else 0 end) as losses,
        cast(sum(kept_share) as decimal(18,6)) as kept
    from every_cell
    group by
        band,
        notice_window
),

shared as (
    select
        counted.*,
        cast(outcomes as double) as n,
        cast(kept as double) / cast(outcomes as double) as share
    from counted
),

wilson as (
    select
        shared.*,
        (share + 1.9208 / n) / (1 + 3.8416 / n) as middle,
        1.96 * sqrt(greatest(cast(0 as double), share * (1 - share) / n + 0.9604 / (n * n))) / (1 + 3.8416 / n) as margin
    from shared
),

rounded as (
    select
        wilson.*,
        cast(round(100 * share, 4) as decimal(18,4)) as kept_pct,
        cast(greatest(round(100 * (middle - margin), 4), cast(0 as double)) as decimal(18,4)) as low_end,
        cast(least(round(100 * (middle + margin), 4), cast(100 as double)) as decimal(18,4)) as high_end
    from wilson
)

select
    rounded.band,
    rounded.notice_window,
    cast(rounded.outcomes as bigint) as outcomes,
    cast(rounded.losses as bigint) as losses,
    rounded.kept,
    rounded.kept_pct,
    least(rounded.low_end, rounded.kept_pct) as low_pct,
    greatest(rounded.high_end, rounded.kept_pct) as high_pct,
    in_all.outcomes >= cast($forecast_min_outcomes as bigint)
        and in_all.losses >= cast($forecast_min_losses as bigint)
        and rounded.outcomes >= cast($forecast_min_cell as bigint) as is_usable,
    cast(in_all.outcomes as bigint) as outcomes_in_all,
    cast(in_all.losses as bigint) as losses_in_all,
    cast($as_of as date) as as_of_date
from rounded
cross join in_all
