/*---
title = "Health of seats: how many of the contracted ones are used"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "False where nobody's seats are known, or contract lines are and none in force counts seats" }
active = { type = "decimal(18,4)", doc = "Active seats, or people with a core action in the last 28 days" }
contracted = { type = "decimal(18,4)", doc = "Seats paid for on the day" }
value = { type = "decimal(18,4)", doc = "Active over contracted seats, percent points; null where either is unknown" }
baseline = { type = "decimal(18,4)", doc = "The same 28 days earlier" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]

[decisions]
active = "active and contracted seats are those of seat_use"
---*/
with seat_use as (
    select
        account_id,
        evaluation_date,
        active,
        contracted,
        active_pct,
    from seat_use
),

line_version as (
    select
        account_id,
        seg_start_date,
    from line_version
),

end_day as (
    select cast($as_of as date) - cast(cast($usage_lag_days as bigint) as integer) as until_date
),

rated as (
    select
        account_id,
        evaluation_date,
        active,
        contracted,
        active_pct as value,
    from seat_use
),

-- Contract lines are known and none in force counts seats: there is nothing to fill.
known_line as (
    select
        line_version.account_id,
        count(*) as lines,
    from line_version
    cross join end_day
    where line_version.seg_start_date <= end_day.until_date
    group by line_version.account_id
),

-- A job without any source for seats cannot hold them against an account.
known_seat as (
    select count(*) as accounts
    from rated
    where value is not null
)

select
    rated.account_id,
    known_seat.accounts > 0 and (rated.value is not null or rated.contracted is not null or known_line.lines is null) as is_applicable,
    rated.active,
    rated.contracted,
    rated.value,
    before.value as baseline,
    case
        when rated.value is not null
            then concat(
                cast(cast(rated.active as decimal(18,0)) as varchar), ' of ',
                cast(cast(rated.contracted as decimal(18,0)) as varchar), ' seats active, ',
                cast(cast(rated.value as decimal(18,1)) as varchar), ' %',
                case
                    when before.value is not null
                        then concat(' after ', cast(cast(before.value as decimal(18,1)) as varchar), ' % 28 days before')
                    else ''
                end
            )
        when rated.contracted is null then 'seats paid for are not known'
        else 'active seats are not known'
    end as reason,
from rated
cross join known_seat
inner join end_day
    on end_day.until_date = rated.evaluation_date
left join rated as before
    on before.account_id = rated.account_id
    and before.evaluation_date = end_day.until_date - 28
left join known_line
    on known_line.account_id = rated.account_id
