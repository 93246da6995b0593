/*---
title = "Health of support: friction against the account's own habit"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
is_applicable = { type = "boolean", doc = "Always true: every customer may need help" }
value = { type = "decimal(18,4)", doc = "Friction: one for each thing that goes wrong; null where no support system is known" }
baseline = { type = "decimal(18,4)", doc = "Friction 28 days earlier" }
reason = { type = "text", doc = "What the friction consists of, in one sentence" }

[checks]
not_null = ["account_id", "is_applicable", "reason"]
expect.friction_positive = "value is null or value >= 0"

[decisions]
friction = "sum of: tickets above the own habit (half their z), each escalation of 90 days, 1 where more than the policy's share of solved tickets was reopened, 1 where solving takes the policy's multiple of the 90 days before, 1 for two or more missed service levels in 90 days; or, without any ticket in 112 days, the policy's friction of silence"
habit = "z = (tickets of 28 days - b) / sqrt(max(b, 1)), b = a third of the 84 days before; only where support history and the account are that old. The account is its own measure, so the number of seats cancels out"
few_tickets = "shares and medians need at least three solved tickets"
silence = "no ticket at all is not health: nobody who works with a product never asks"
---*/
with customer_account as (
    select
        account_id,
        started_date,
    from customer_account
),

ticket as (
    select
        ticket_id,
        account_id,
        created_at,
        escalated_at,
        is_sla_breached,
    from ticket
    where created_at < cast($as_of_end as timestamp)
),

ticket_speed as (
    select
        account_id,
        evaluation_date,
        is_recent,
        tickets,
        median_hours,
        reopened,
    from ticket_speed
),

evaluation as (
    select cast($as_of as date) as evaluation_date
    union all
    select cast($as_of as date) - 28 as evaluation_date
),

-- Without one ticket of anybody's there is no support system to ask.
first_ticket as (
    select min(cast(created_at as date)) as first_date
    from ticket
),

placed as (
    select
        ticket.account_id,
        evaluation.evaluation_date,
        evaluation.evaluation_date - cast(ticket.created_at as date) as days_before,
        evaluation.evaluation_date - cast(ticket.escalated_at as date) as escalated_days_before,
        ticket.is_sla_breached,
    from ticket
    cross join evaluation
),

counted as (
    select
        account_id,
        evaluation_date,
        sum(case when days_before between 1 and 28 then 1 else 0 end) as tickets_28d,
        sum(case when days_before between 29 and 112 then 1 else 0 end) as tickets_before,
        sum(case when escalated_days_before between 1 and 90 then 1 else 0 end) as escalations,
        sum(case when days_before between 1 and 90 and is_sla_breached then 1 else 0 end) as breaches,
    from placed
    group by
        account_id,
        evaluation_date
),

known as (
    select
        customer_account.account_id,
        evaluation.evaluation_date,
        coalesce(first_ticket.first_date < evaluation.evaluation_date, false) as is_known,
        coalesce(first_ticket.first_date <= evaluation.evaluation_date - 112, false)
            and coalesce(customer_account.started_date <= evaluation.evaluation_date - 112, true)
            as has_habit,
        coalesce(counted.tickets_28d, 0) as tickets_28d,
        coalesce(counted.tickets_before, 0) as tickets_before,
        coalesce(counted.escalations, 0) as escalations,
        coalesce(counted.breaches, 0) as breaches,
        recent.tickets as solved,
        recent.reopened,
        recent.median_hours,
        earlier.median_hours as earlier_median_hours,
        earlier.tickets as earlier_solved,
    from customer_account
    cross join evaluation
    cross join first_ticket
    left join counted
        on counted.account_id = customer_account.account_id
        and counted.evaluation_date = evaluation.evaluation_date
    left join ticket_speed as recent
        on recent.account_id = customer_account.account_id
        and recent.evaluation_date = evaluation.evaluation_date
        and recent.is_recent
    left join ticket_speed as earlier
        on earlier.account_id = customer_account.account_id
        and earlier.evaluation_date = evaluation.evaluation_date
        and not earlier.is_recent
),

signal as (
    select
        account_id,
        evaluation_date,
        is_known,
        tickets_28d,
        tickets_before,
        escalations,
        breaches,
        has_habit and tickets_28d = 0 and tickets_before = 0 as is_silent,
        case
            when has_habit
                then cast(
                    round(
                        greatest(
                            (cast(tickets_28d as double) - cast(tickets_before as double) / 3)
                            / sqrt(greatest(cast(tickets_before as double) / 3, cast(1 as double)))
                            / 2,
                            cast(0 as double)
                        ),
                        4
                    )
                    as decimal(18,4)
                )
            else cast(0 as decimal(18,4))
        end as excess,
        case
            when solved >= 3 and reopened * 100 > solved * cast($health_reopen_pct as decimal(9,4)) then 1
            else 0
        end as reopens,
        case
            when
                solved >= 3
                and earlier_solved >= 3
                and cast(median_hours as double) >= cast(earlier_median_hours as double) * cast(cast($health_slower_ratio as decimal(9,4)) as double)
                then 1
            else 0
        end as slower,
        case when breaches >= 2 then 1 else 0 end as breached,
        solved,
        reopened,
        median_hours,
        earlier_median_hours,
    from known
),

rated as (
    select
        account_id,
        evaluation_date,
        tickets_28d,
        tickets_before,
        escalations,
        breaches,
        is_silent,
        reopens,
        slower,
        breached,
        solved,
        reopened,
        median_hours,
        earlier_median_hours,
        case
            when not is_known then null
            when is_silent and escalations = 0
                then cast(cast($health_silence_friction as decimal(9,4)) as decimal(18,4))
            else cast(excess + escalations + reopens + slower + breached as decimal(18,4))
        end as value,
    from signal
)

select
    rated.account_id,
    true as is_applicable,
    rated.value,
    before.value as baseline,
    case
        when rated.value is null then 'no support system is known'
        when rated.is_silent and rated.escalations = 0 then 'no ticket in 112 days: silence is not health'
        else concat_ws(
            ', ',
            concat(
                'tickets in 28 days: ', cast(rated.tickets_28d as varchar), ', usual ',
                cast(cast(round(cast(rated.tickets_before as double) / 3, 1) as decimal(18,1)) as varchar)
            ),
            case when rated.escalations > 0 then concat('escalated in 90 days: ', cast(rated.escalations as varchar)) end,
            case when rated.reopens > 0 then concat(cast(rated.reopened as varchar), ' of ', cast(rated.solved as varchar), ' reopened') end,
            case
                when rated.slower > 0
                    then concat(
                        'solved in ', cast(cast(rated.median_hours as decimal(18,1)) as varchar), ' hours after ',
                        cast(cast(rated.earlier_median_hours as decimal(18,1)) as varchar)
                    )
            end,
            case when rated.breached > 0 then concat('service levels missed: ', cast(rated.breaches as varchar)) end
        )
    end as reason,
from rated
left join rated as before
    on before.account_id = rated.account_id
    and before.evaluation_date = cast($as_of as date) - 28
where rated.evaluation_date = cast($as_of as date)
