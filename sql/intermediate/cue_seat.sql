/*---
title = "Seats that fill up"
owner = "cs"
grain = ["account_id", "product_id"]
never_reads = ["invoice", "invoice_line", "payment", "payment_event", "credit_note", "write_off"]

[columns]
account_id = { type = "text", doc = "The account" }
product_id = { type = "text", doc = "Canonical product; empty where snapshots name none" }
event_date = { type = "date", doc = "First measured day of the unbroken stretch above the lower threshold" }
last_date = { type = "date", doc = "Last measured day" }
active = { type = "decimal(18,6)", doc = "Seats in use on that day" }
contracted = { type = "decimal(18,6)", doc = "Seats under contract" }
used_pct = { type = "decimal(18,4)", doc = "Active over contracted, percent points" }
is_over = { type = "boolean", doc = "At or above all seats for 90 days" }
seats_wanted = { type = "decimal(18,6)", doc = "More seats that would bring use down to the policy's target" }

[checks]
not_null = ["account_id", "product_id", "event_date", "last_date", "active", "contracted", "used_pct", "seats_wanted"]

[decisions]
rising = "Between the two thresholds only if more than on the newest snapshot at least 28 days older"
stretch = "Looked for in the last 180 days; it begins with the first measured day no later one fell below"
---*/
with seat_use_day as (
    select
        account_id,
        product_id,
        snapshot_date,
        active,
        seats,
        used_pct
    from seat_use_day
),

latest as (
    select *
    from seat_use_day
    qualify row_number() over (partition by account_id, product_id order by snapshot_date desc) = 1
),

filling as (
    select *
    from latest
    where used_pct >= cast($cue_seats_filling_pct as decimal(9,4))
        and snapshot_date > cast($as_of as date) - cast(cast($cue_seats_days as bigint) as int)
),

-- The stretch begins after the last measured day below the threshold.
stretched as (
    select
        filling.account_id,
        filling.product_id,
        max(case when seat_use_day.used_pct < cast($cue_seats_filling_pct as decimal(9,4)) then seat_use_day.snapshot_date end) as last_below_date,
        min(case when seat_use_day.snapshot_date > filling.snapshot_date - 91 then seat_use_day.used_pct end) as least_pct,
        min(seat_use_day.snapshot_date) as first_date,
        max(case when seat_use_day.snapshot_date <= filling.snapshot_date - 28 then seat_use_day.snapshot_date end) as before_date
    from filling
    inner join seat_use_day
        on filling.account_id = seat_use_day.account_id
        and filling.product_id = seat_use_day.product_id
    group by
        filling.account_id,
        filling.product_id
),

begun as (
    select
        stretched.account_id,
        stretched.product_id,
        min(seat_use_day.snapshot_date) as event_date
    from stretched
    inner join seat_use_day
        on stretched.account_id = seat_use_day.account_id
        and stretched.product_id = seat_use_day.product_id
    where stretched.last_below_date is null or seat_use_day.snapshot_date > stretched.last_below_date
    group by
        stretched.account_id,
        stretched.product_id
)

select
    filling.account_id,
    filling.product_id,
    begun.event_date,
    filling.snapshot_date as last_date,
    cast(filling.active as decimal(18,6)) as active,
    cast(filling.seats as decimal(18,6)) as contracted,
    filling.used_pct,
    stretched.least_pct >= 100 and stretched.first_date <= filling.snapshot_date - 90 as is_over,
    cast(greatest(
        ceil(round(cast(filling.active as double) * 100 / cast(cast($cue_seats_target_pct as decimal(9,4)) as double), 6)) - cast(filling.seats as double),
        0
    ) as decimal(18,6)) as seats_wanted
from filling
inner join stretched
    on filling.account_id = stretched.account_id
    and filling.product_id = stretched.product_id
inner join begun
    on filling.account_id = begun.account_id
    and filling.product_id = begun.product_id
left join seat_use_day as before
    on filling.account_id = before.account_id
    and filling.product_id = before.product_id
    and stretched.before_date = before.snapshot_date
where filling.used_pct >= cast($cue_seats_full_pct as decimal(9,4))
    or filling.used_pct > before.used_pct
