/*---
title = "What happened at the customer that may call for more, by kind and month"
owner = "cs"
grain = ["account_id", "kind", "month_date"]

[columns]
account_id = { type = "text", doc = "The account" }
kind = { type = "text", doc = "hiring, new_product, new_location, funding, compliance or ownership_change" }
month_date = { type = "date", doc = "Month it happened in" }
event_date = { type = "date", doc = "First day of it in the month" }
expires_date = { type = "date", doc = "Last day it is a cue" }
quantity = { type = "decimal(18,6)", doc = "How many, all of the month's together; null where nobody says" }
evidence = { type = "text", doc = "The events" }
statement = { type = "text", doc = "What happened, in one sentence" }

[checks]
not_null = ["account_id", "kind", "month_date", "event_date", "expires_date", "evidence", "statement"]

[decisions]
month = "Several of a kind in a month are one: the customer is spoken to once"
---*/
with account_event as (
    select
        event_id,
        account_id,
        kind,
        cast(occurred_at as date) as event_date,
        quantity,
        detail
    from account_event
    where occurred_at < cast($as_of_end as timestamp)
        and kind in ('hiring', 'new_product', 'new_location', 'funding', 'compliance', 'ownership_change')
),

recent as (
    select
        account_event.*,
        cast(date_trunc('month', event_date) as date) as month_date
    from account_event
    where event_date > cast($as_of as date) - cast(cast($cue_event_days as bigint) as int) - 31
),

grouped as (
    select
        account_id,
        kind,
        month_date,
        min(event_date) as event_date,
        max(event_date) as last_date,
        count(*) as events,
        sum(quantity) as quantity,
        string_agg(event_id, ', ' order by event_date, event_id) as evidence,
        string_agg(detail, '; ' order by event_date, event_id) as detail
    from recent
    group by
        account_id,
        kind,
        month_date
)

select
    account_id,
    kind,
    month_date,
    event_date,
    cast(last_date + cast(cast($cue_event_days as bigint) as int) as date) as expires_date,
    cast(quantity as decimal(18,6)) as quantity,
    evidence,
    concat(
        case kind
            when 'hiring' then 'They are hiring'
            when 'new_product' then 'They have a new product'
            when 'new_location' then 'They have a new location'
            when 'funding' then 'They have raised money'
            when 'compliance' then 'They have a new duty of compliance'
            else 'The company has a new owner'
        end,
        case when quantity is not null then concat(' (', cast(cast(quantity as decimal(18,0)) as varchar), ')') else '' end,
        ' since ', cast(event_date as varchar),
        case when detail is not null then concat(': ', detail) else '' end
    ) as statement
from grouped
