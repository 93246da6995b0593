/*---
title = "Health of support: tickets, escalations and how they are solved, against the account's own habit"
owner = "cs"
grain = ["account_id"]

[columns]
account_id = { type = "text", doc = "The account" }
tickets_value = { type = "decimal(18,4)", doc = "Friction of how much the account asks; null where no support system is known" }
tickets_baseline = { type = "decimal(18,4)", doc = "The same 28 days earlier" }
tickets_reason = { type = "text", doc = "The numbers, in one sentence" }
is_escalations_applicable = { type = "boolean", doc = "The account has written a ticket in 180 days, or has an escalated or urgent one" }
escalations_value = { type = "decimal(18,4)", doc = "Escalations of 90 days and urgent tickets left open" }
escalations_baseline = { type = "decimal(18,4)", doc = "The same 28 days earlier" }
escalations_reason = { type = "text", doc = "The numbers, in one sentence" }
is_resolution_applicable = { type = "boolean", doc = "Enough tickets were solved to say how, or service levels were missed" }
resolution_value = { type = "decimal(18,4)", doc = "Friction of how tickets are solved: one for each thing that goes wrong" }
resolution_baseline = { type = "decimal(18,4)", doc = "The same 28 days earlier" }
resolution_reason = { type = "text", doc = "The numbers, in one sentence" }

[checks]
not_null = ["account_id", "tickets_reason", "is_escalations_applicable", "escalations_reason", "is_resolution_applicable", "resolution_reason"]
expect.friction_positive = "tickets_value is null or tickets_value >= 0"

[decisions]
tickets = "half the z of the tickets of 28 days against the own habit; the policy's friction of silence without any ticket in 112 days; that of spike and silence where the account asked much more than usual (z of 1.5) in the third last 28 days and a quarter of usual or less in each of the two since"
habit = "z = (tickets of 28 days - b) / sqrt(max(b, 1)), b = a third of the 84 days before; only where support history and the account are that old. The account is its own measure, so the number of seats cancels out"
escalations = "one for each escalation of 90 days, one for an urgent ticket open for longer than the policy's days, one more from four times as long"
resolution = "one where more than the policy's share of solved tickets was reopened, one where solving takes the policy's multiple of the 90 days before, one for two or more missed service levels in 90 days"
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
        resolved_at,
        lower(priority) in ('urgent', 'p1', 'critical') as is_urgent,
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
        case
            when
                ticket.is_urgent
                and (ticket.resolved_at is null or cast(ticket.resolved_at as date) > evaluation.evaluation_date)
                then evaluation.evaluation_date - cast(ticket.created_at as date)
        end as urgent_days,
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
        sum(case when days_before between 29 and 56 then 1 else 0 end) as tickets_second,
        sum(case when days_before between 57 and 84 then 1 else 0 end) as tickets_third,
        sum(case when days_before between 85 and 168 then 1 else 0 end) as tickets_long_before,
        sum(case when days_before between 1 and 180 then 1 else 0 end) as tickets_180d,
        sum(case when escalated_days_before between 1 and 90 then 1 else 0 end) as escalations,
        max(urgent_days) as urgent_days,
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
        coalesce(first_ticket.first_date <= evaluation.evaluation_date - 168, false)
            and coalesce(customer_account.started_date <= evaluation.evaluation_date - 168, true)
            as has_long_habit,
        coalesce(counted.tickets_28d, 0) as tickets_28d,
        coalesce(counted.tickets_before, 0) as tickets_before,
        coalesce(counted.tickets_second, 0) as tickets_second,
        coalesce(counted.tickets_third, 0) as tickets_third,
        coalesce(counted.tickets_long_before, 0) as tickets_long_before,
        coalesce(counted.tickets_180d, 0) as tickets_180d,
        coalesce(counted.escalations, 0) as escalations,
        coalesce(counted.urgent_days, 0) as urgent_days,
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
        tickets_third,
        tickets_180d,
        escalations,
        urgent_days,
        breaches,
        solved,
        reopened,
        median_hours,
        earlier_median_hours,
        has_habit and tickets_28d = 0 and tickets_before = 0 as is_silent,
        has_long_habit
            and tickets_28d * 12 <= tickets_long_before
            and tickets_second * 12 <= tickets_long_before
            and (cast(tickets_third as double) - cast(tickets_long_before as double) / 3)
            >= 1.5 * sqrt(greatest(cast(tickets_long_before as double) / 3, cast(1 as double)))
            as is_spike_then_silent,
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
            when urgent_days > 4 * cast($health_urgent_days as bigint) then 2
            when urgent_days > cast($health_urgent_days as bigint) then 1
            else 0
        end as urgent,
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
    from known
),

rated as (
    select
        account_id,
        evaluation_date,
        is_known,
        tickets_28d,
        tickets_before,
        tickets_third,
        tickets_180d,
        escalations,
        urgent_days,
        urgent,
        breaches,
        is_silent,
        is_spike_then_silent,
        reopens,
        slower,
        breached,
        solved,
        reopened,
        median_hours,
        earlier_median_hours,
        case
            when not is_known then null
            when is_spike_then_silent then cast(cast($health_spike_friction as decimal(9,4)) as decimal(18,4))
            when is_silent and escalations = 0 then cast(cast($health_silence_friction as decimal(9,4)) as decimal(18,4))
            else excess
        end as tickets_value,
        case when is_known then cast(escalations + urgent as decimal(18,4)) end as escalations_value,
        case when is_known then cast(reopens + slower + breached as decimal(18,4)) end as resolution_value,
    from signal
)

select
    rated.account_id,
    rated.tickets_value,
    before.tickets_value as tickets_baseline,
    case
        when rated.tickets_value is null then 'no support system is known'
        when rated.is_spike_then_silent
            then concat(
                'no more than a quarter of the usual tickets in 56 days after ', cast(rated.tickets_third as varchar),
                ' in the 28 days before: asked in vain, then fell silent'
            )
        when rated.is_silent and rated.escalations = 0 then 'no ticket in 112 days: silence is not health'
        else concat(
            'tickets in 28 days: ', cast(rated.tickets_28d as varchar), ', usual ',
            cast(cast(round(cast(rated.tickets_before as double) / 3, 1) as decimal(18,1)) as varchar)
        )
    end as tickets_reason,
    rated.is_known and (rated.tickets_180d > 0 or rated.escalations + rated.urgent > 0) as is_escalations_applicable,
    rated.escalations_value,
    before.escalations_value as escalations_baseline,
    case
        when rated.escalations_value is null then 'no support system is known'
        when rated.escalations + rated.urgent = 0 then 'no ticket escalated in 90 days'
        else concat_ws(
            ', ',
            case when rated.escalations > 0 then concat('tickets escalated in 90 days: ', cast(rated.escalations as varchar)) end,
            case when rated.urgent > 0 then concat('an urgent ticket open for ', cast(rated.urgent_days as varchar), ' days') end
        )
    end as escalations_reason,
    rated.is_known and (coalesce(rated.solved >= 3, false) or rated.breached > 0) as is_resolution_applicable,
    rated.resolution_value,
    before.resolution_value as resolution_baseline,
    case
        when rated.resolution_value is null then 'no support system is known'
        when rated.resolution_value = 0
            then concat('tickets solved in 90 days: ', cast(coalesce(rated.solved, 0) as varchar), ', as fast and as well as usual')
        else concat_ws(
            ', ',
            case when rated.reopens > 0 then concat(cast(rated.reopened as varchar), ' of ', cast(rated.solved as varchar), ' tickets reopened') end,
            case
                when rated.slower > 0
                    then concat(
                        'solved in ', cast(cast(rated.median_hours as decimal(18,1)) as varchar), ' hours after ',
                        cast(cast(rated.earlier_median_hours as decimal(18,1)) as varchar)
                    )
            end,
            case when rated.breached > 0 then concat('service levels missed: ', cast(rated.breaches as varchar)) end
        )
    end as resolution_reason,
from rated
left join rated as before
    on before.account_id = rated.account_id
    and before.evaluation_date = cast($as_of as date) - 28
where rated.evaluation_date = cast($as_of as date)
