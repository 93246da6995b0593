/*---
title = "Health of threading: how many people at the customer we really speak with"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "False where no conversation with anybody is known" }
people = { type = "integer", doc = "Different people with two-way contact in 90 days" }
needed = { type = "integer", doc = "People an account of this size needs" }
value = { type = "decimal(18,4)", doc = "People over needed, percent points; null where conversations name nobody" }
baseline = { type = "decimal(18,4)", doc = "The same 90 days earlier" }
reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "people", "needed", "reason"]

[decisions]
window = "(as_of - 90, as_of]"
size = "by contracted seats; an account whose seats are not known needs the fewest"
nameless = "an account all of whose conversations of the window name no person is unknown; one without any conversation is 0"
---*/
with health_seats as (
    select
        account_id,
        contracted,
    from health_seats
),

bilateral_touch as (
    select
        account_id,
        contact_id,
        touched_on,
    from bilateral_touch
),

known_touch as (
    select count(*) as touches
    from bilateral_touch
),

evaluation as (
    select cast($as_of as date) as evaluation_date
    union all
    select cast($as_of as date) - 90 as evaluation_date
),

per_person as (
    select
        bilateral_touch.account_id,
        evaluation.evaluation_date,
        bilateral_touch.contact_id,
        count(*) as touches,
    from bilateral_touch
    inner join evaluation
        on bilateral_touch.touched_on <= evaluation.evaluation_date
        and bilateral_touch.touched_on > evaluation.evaluation_date - 90
    group by
        bilateral_touch.account_id,
        evaluation.evaluation_date,
        bilateral_touch.contact_id
),

counted as (
    select
        account_id,
        evaluation_date,
        sum(case when contact_id is not null then 1 else 0 end) as people,
        sum(touches) as touches,
    from per_person
    group by
        account_id,
        evaluation_date
),

number as (
    select 1 as number
    union all
    select 2 as number
    union all
    select 3 as number
    union all
    select 4 as number
),

listed as (
    select split_part(cast($health_threading_people as varchar), ';', number) as step
    from number
),

size as (
    select
        cast(split_part(step, '=', 1) as decimal(18,4)) as seats,
        cast(split_part(step, '=', 2) as bigint) as people,
    from listed
    where step <> ''
),

needing as (
    select
        health_seats.account_id,
        max(size.people) as needed,
    from health_seats
    inner join size
        on size.seats <= coalesce(health_seats.contracted, cast(0 as decimal(18,4)))
    group by health_seats.account_id
),

rated as (
    select
        needing.account_id,
        evaluation.evaluation_date,
        needing.needed,
        coalesce(counted.people, 0) as people,
        case
            when counted.people = 0 then null
            else cast(round(cast(coalesce(counted.people, 0) as double) / cast(needing.needed as double) * 100, 4) as decimal(18,4))
        end as value,
    from needing
    cross join evaluation
    left join counted
        on counted.account_id = needing.account_id
        and counted.evaluation_date = evaluation.evaluation_date
)

select
    rated.account_id,
    known_touch.touches > 0 as is_applicable,
    cast(rated.people as bigint) as people,
    cast(rated.needed as bigint) as needed,
    rated.value,
    before.value as baseline,
    case
        when rated.value is null then 'whom we speak with is not recorded'
        when rated.people = 0 then 'nobody at the customer has spoken with us in 90 days'
        else concat(
            'we speak with ', cast(rated.people as varchar), case when rated.people = 1 then ' person' else ' people' end,
            ' there, an account of this size needs ', cast(rated.needed as varchar)
        )
    end as reason,
from rated
cross join known_touch
left join rated as before
    on before.account_id = rated.account_id
    and before.evaluation_date = cast($as_of as date) - 90
where rated.evaluation_date = cast($as_of as date)
