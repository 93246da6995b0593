/*---
title = "Use loaded into Zuora, by day"
owner = "cs"

[decisions]
metric = "The unit of measure: Zuora has no other name of what is counted"
days = "A day without a record is unmeasured"
---*/
with usage as (
    select
        id,
        quantity,
        unit,
        started_at,
        account_id
    from landed.usage
    where quantity is not null
)

select
    account_id,
    cast(started_at as date) as usage_date,
    unit as metric,
    cast(round(sum(quantity), 6) as decimal(18,6)) as quantity,
    cast(count(*) as bigint) as events,
    min(id) as source_id
from usage
where account_id is not null
    and unit is not null
    and started_at is not null
group by
    account_id,
    cast(started_at as date),
    unit
