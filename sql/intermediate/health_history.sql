/*---
title = "Earlier weekly evaluations of health"
owner = "cs"
grain = ["account_id", "weeks_before"]

[columns]
account_id = { type = "text", doc = "The account" }
weeks_before = { type = "integer", doc = "Weeks before as_of, 1 to 12" }
score = { type = "decimal(9,4)", doc = "The score published then; null where the data did not suffice" }
band = { type = "text", doc = "The band published then" }

[checks]
not_null = ["account_id", "weeks_before", "band"]

[decisions]
weekly = "evaluations are those published for as_of - 7, - 14, and so on to - 84; days between them are not asked"
insufficient = "a score shown as insufficient_data is no evaluation of the account"
---*/
with published_health as (
    select
        account_id,
        as_of_date,
        score,
        band,
    from published.account_health
    where
        as_of_date < cast($as_of as date)
        and as_of_date >= cast($as_of as date) - 84
),

aged as (
    select
        account_id,
        cast($as_of as date) - as_of_date as days_before,
        score,
        band,
    from published_health
)

select
    account_id,
    cast(cast(days_before as double) / 7 as bigint) as weeks_before,
    case when band <> 'insufficient_data' then score end as score,
    band,
from aged
where days_before % 7 = 0
