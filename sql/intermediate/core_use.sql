/*---
title = "When an account last used what it pays for"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
last_core_use_date = { type = "date", doc = "Last day with a core action" }
earlier_core_use_date = { type = "date", doc = "The same as it was known a week before; null where none was" }

[checks]
not_null = ["account_id", "last_core_use_date"]

[decisions]
core_unknown = "where nobody says which actions are core, any use counts"
---*/
with usage_daily as (
    select
        account_id,
        usage_date,
        quantity,
        core_actions,
    from usage_daily
    where usage_date <= cast($as_of as date)
)

select
    account_id,
    max(usage_date) as last_core_use_date,
    max(case when usage_date <= cast($as_of as date) - 7 then usage_date end) as earlier_core_use_date,
from usage_daily
where coalesce(cast(core_actions as decimal(18,6)), quantity) > 0
group by account_id
