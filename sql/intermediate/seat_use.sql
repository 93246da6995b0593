/*---
title = "How many of the contracted seats are used"
owner = "cs"
grain = ["account_id", "evaluation_date"]

[columns]
account_id = { type = "text", doc = "The account" }
evaluation_date = { type = "date", doc = "The day d: today's, and those a week and 28 days earlier" }
active = { type = "decimal(18,4)", doc = "Active seats, or people with a core action in the last 28 days; null where unknown" }
contracted = { type = "decimal(18,4)", doc = "Seats paid for on the day; null where unknown" }
active_pct = { type = "decimal(18,4)", doc = "Active over contracted seats, percent points; null where either is unknown" }

[checks]
not_null = ["account_id", "evaluation_date"]

[decisions]
active = "the newest seat snapshot of each product within 28 days; without one, the distinct people with a core action in those 28 days, or with any use where core is unknown"
contracted = "quantity of the contract lines in force that count seats; per product with a snapshot, else all of them. Without such a line the snapshot's assigned seats"
known_people = "an account none of whose people was ever seen has unknown, not zero, active people"
---*/
with customer_account as (
    select account_id
    from customer_account
),

seat_line as (
    select
        account_id,
        product_id,
        seats,
        seg_start_date,
        seg_end_date,
    from seat_line
),

seat_snapshot as (
    select
        account_id,
        product_id,
        snapshot_date,
        assigned,
        active,
    from seat_snapshot
    where snapshot_date <= cast($as_of as date)
),

usage_user_daily as (
    select
        account_id,
        user_id,
        usage_date,
        core_actions,
        events,
    from usage_user_daily
    where usage_date < cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer)
),

end_day as (
    select cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) as until_date
),

-- The same question today, a week and 28 days ago.
evaluation as (
    select until_date as evaluation_date from end_day
    union all
    select until_date - 7 as evaluation_date from end_day
    union all
    select until_date - 28 as evaluation_date from end_day
),

contracted as (
    select
        seat_line.account_id,
        evaluation.evaluation_date,
        seat_line.product_id,
        sum(seat_line.seats) as seats,
    from seat_line
    inner join evaluation
        on seat_line.seg_start_date <= evaluation.evaluation_date
        and seat_line.seg_end_date > evaluation.evaluation_date
    group by
        seat_line.account_id,
        evaluation.evaluation_date,
        seat_line.product_id
),

contracted_total as (
    select
        account_id,
        evaluation_date,
        sum(seats) as seats,
    from contracted
    group by
        account_id,
        evaluation_date
),

newest_snapshot as (
    select
        seat_snapshot.account_id,
        evaluation.evaluation_date,
        seat_snapshot.product_id,
        seat_snapshot.assigned,
        seat_snapshot.active,
    from seat_snapshot
    inner join evaluation
        on seat_snapshot.snapshot_date <= evaluation.evaluation_date
        and seat_snapshot.snapshot_date > evaluation.evaluation_date - 28
    where seat_snapshot.active is not null
    qualify row_number() over (
        partition by seat_snapshot.account_id, evaluation.evaluation_date, seat_snapshot.product_id
        order by seat_snapshot.snapshot_date desc
    ) = 1
),

-- A product in the snapshot without seats of its own in a contract: the account's seat lines, if only one product is counted, else what is assigned.
snapshot_total as (
    select
        newest_snapshot.account_id,
        newest_snapshot.evaluation_date,
        count(*) as products,
        sum(newest_snapshot.active) as active,
        sum(contracted.seats) as product_seats,
        count(contracted.seats) as products_contracted,
        sum(coalesce(contracted.seats, newest_snapshot.assigned)) as known_seats,
        count(coalesce(contracted.seats, newest_snapshot.assigned)) as products_known,
    from newest_snapshot
    left join contracted
        on contracted.account_id = newest_snapshot.account_id
        and contracted.evaluation_date = newest_snapshot.evaluation_date
        and contracted.product_id = newest_snapshot.product_id
    group by
        newest_snapshot.account_id,
        newest_snapshot.evaluation_date
),

seen_user as (
    select distinct
        usage_user_daily.account_id,
        evaluation.evaluation_date,
        usage_user_daily.user_id,
    from usage_user_daily
    inner join evaluation
        on usage_user_daily.usage_date < evaluation.evaluation_date
        and usage_user_daily.usage_date >= evaluation.evaluation_date - 28
    where coalesce(usage_user_daily.core_actions, usage_user_daily.events) > 0
),

active_user as (
    select
        account_id,
        evaluation_date,
        count(*) as users,
    from seen_user
    group by
        account_id,
        evaluation_date
),

known_user as (
    select
        account_id,
        min(usage_date) as first_usage_date,
    from usage_user_daily
    group by account_id
),

counted as (
    select
        customer_account.account_id,
        evaluation.evaluation_date,
        case
            when snapshot_total.active is not null then snapshot_total.active
            when known_user.first_usage_date < evaluation.evaluation_date
                then cast(coalesce(active_user.users, 0) as decimal(18,6))
        end as active,
        case
            when snapshot_total.active is null then contracted_total.seats
            when snapshot_total.products_contracted = snapshot_total.products then snapshot_total.product_seats
            when snapshot_total.products = 1 and contracted_total.seats is not null then contracted_total.seats
            when snapshot_total.products_known = snapshot_total.products then snapshot_total.known_seats
        end as contracted,
    from customer_account
    cross join evaluation
    left join contracted_total
        on contracted_total.account_id = customer_account.account_id
        and contracted_total.evaluation_date = evaluation.evaluation_date
    left join snapshot_total
        on snapshot_total.account_id = customer_account.account_id
        and snapshot_total.evaluation_date = evaluation.evaluation_date
    left join active_user
        on active_user.account_id = customer_account.account_id
        and active_user.evaluation_date = evaluation.evaluation_date
    left join known_user
        on known_user.account_id = customer_account.account_id
)

select
    account_id,
    evaluation_date,
    cast(active as decimal(18,4)) as active,
    cast(contracted as decimal(18,4)) as contracted,
    case
        when contracted > 0
            then cast(round(cast(active as double) / cast(contracted as double) * 100, 4) as decimal(18,4))
    end as active_pct,
from counted
