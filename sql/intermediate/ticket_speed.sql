/*---
title = "How long tickets take until they are solved"
owner = "cs"
grain = ["account_id", "evaluation_date", "is_recent"]

[columns]
account_id = { type = "text", doc = "The account" }
evaluation_date = { type = "date", doc = "The day the 90 days end before" }
is_recent = { type = "boolean", doc = "True for the last 90 days, false for the 90 before" }
tickets = { type = "integer", doc = "Tickets solved in these 90 days" }
median_hours = { type = "decimal(18,4)", doc = "Median hours from opening to solution" }
reopened = { type = "integer", doc = "Of them reopened at least once" }

[checks]
not_null = ["account_id", "evaluation_date", "is_recent", "tickets", "median_hours", "reopened"]

[decisions]
period = "a ticket belongs to the 90 days it was solved in"
reopened = "reopenings have no date: the count is as landed"
---*/
with ticket as (
    select
        ticket_id,
        account_id,
        created_at,
        resolved_at,
        reopen_count,
    from ticket
    where
        resolved_at is not null
        and resolved_at >= created_at
        and resolved_at < cast($as_of_end as timestamp)
),

evaluation as (
    select cast($as_of as date) as evaluation_date
    union all
    select cast($as_of as date) - 28 as evaluation_date
),

solved as (
    select
        ticket.ticket_id,
        ticket.account_id,
        evaluation.evaluation_date,
        cast(ticket.resolved_at as date) >= evaluation.evaluation_date - 90 as is_recent,
        cast(extract(epoch from ticket.resolved_at) as bigint) - cast(extract(epoch from ticket.created_at) as bigint) as seconds,
        case when ticket.reopen_count > 0 then 1 else 0 end as reopened,
    from ticket
    inner join evaluation
        on cast(ticket.resolved_at as date) < evaluation.evaluation_date
        and cast(ticket.resolved_at as date) >= evaluation.evaluation_date - 180
),

ranked as (
    select
        account_id,
        evaluation_date,
        is_recent,
        seconds,
        reopened,
        row_number() over (partition by account_id, evaluation_date, is_recent order by seconds, ticket_id) as rank,
        count(*) over (partition by account_id, evaluation_date, is_recent) as tickets,
    from solved
),

middle as (
    select
        account_id,
        evaluation_date,
        is_recent,
        max(tickets) as tickets,
        sum(case when 2 * rank = tickets + tickets % 2 then seconds else 0 end) as seconds_low,
        sum(case when 2 * rank = tickets + 2 - tickets % 2 then seconds else 0 end) as seconds_high,
        sum(reopened) as reopened,
    from ranked
    group by
        account_id,
        evaluation_date,
        is_recent
)

select
    account_id,
    evaluation_date,
    is_recent,
    cast(tickets as bigint) as tickets,
    cast(round(cast(seconds_low + seconds_high as double) / 7200, 4) as decimal(18,4)) as median_hours,
    cast(reopened as bigint) as reopened,
from middle
