/*---
title = "Expansion cues: what asks for more, who should speak with the customer, and why not to"
owner = "cs"
grain = ["cue_id", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
cue_id = { type = "text", doc = "md5(account_id | kind | window_start_date): the same cue, the same id, on every run" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "Its name" }
owner_id = { type = "text", doc = "Who should speak with the customer; null where nobody is known at all" }
owner_role = { type = "text", doc = "In which role" }
route_role = { type = "text", doc = "The role it is meant for: account_manager, or executive for a change of ownership" }
kind = { type = "text", doc = "seat_utilisation, usage_allotment, usage_growth, blocked_invites, feature_gates, rate_limited, invite_burst, trial_use, discount_end, ramp_step, hiring, new_product, new_location, funding, compliance or ownership_change" }
play = { type = "text", doc = "expand: offer more; qualify: ask, nothing in their use speaks for it yet; brief: tell them what is agreed; reset: renew the relationship, no offer" }
window_start_date = { type = "date", doc = "First day of the month of the event: one cue of a kind per account and month" }
event_date = { type = "date", doc = "Day it happened, or the threshold was crossed" }
detected_date = { type = "date", doc = "as_of_date of the first run that showed it" }
latency_days = { type = "integer", doc = "Days between the two" }
expires_date = { type = "date", doc = "Last day it is a cue" }
freshness_pct = { type = "decimal(9,4)", doc = "What is left of its time, percent points" }
evidence = { type = "text", doc = "The events, lines or metrics it rests on" }
explanation = { type = "text", doc = "What happened and what to do, in whole sentences" }
estimate_amount = { type = "decimal(18,4)", doc = "What it may bring in a year; null where nothing tells how many or at what price" }
currency = { type = "text", doc = "Currency of the estimate" }
price_source = { type = "text", doc = "contract: at the account's own price; price_book: at list price; null without an estimate" }
estimate_amount_reporting = { type = "decimal(18,4)", doc = "The same in the reporting currency; null without a rate" }
reporting_currency = { type = "text", doc = "The company's currency" }
open_opportunity_id = { type = "text", doc = "An open expansion deal of the account, if there is one: do not open another" }
suppressed_reason = { type = "text", doc = "Why not to offer anything now; null where nothing stands against it" }
as_of_date = { type = "date", doc = "Business date of the run" }

[checks]
not_null = ["cue_id", "account_id", "route_role", "kind", "play", "window_start_date", "event_date", "detected_date", "latency_days", "expires_date", "explanation", "as_of_date"]
expect.not_expired = "expires_date >= as_of_date and event_date <= as_of_date"
expect.only_offers_are_suppressed = "suppressed_reason is null or play in ('expand', 'qualify')"

[decisions]
gate = "No offer while health is red, an urgent ticket is open, an invoice is overdue or fewer than cue_seats_low_pct of the seats are used; the cue stays and says why"
outside_alone = "What happens at the customer alone is no opportunity: without a cue from their own use it is a question to ask"
ownership = "A new owner means a new relationship: an executive calls, nothing is sold"
latency = "A run shows what happened up to and including its own day, so a cue landed in time has latency 0; first seen days come from the history this job published"
once = "Of several cues of a kind in a month the one worth most stands"
estimate = "Before any discount that would be given for more; never a promise"
---*/
with customer_account as (
    select
        account_id,
        account_name
    from customer_account
    where not is_churned
),

contract_owner as (
    select
        account_id,
        owner_id,
        owner_role
    from contract_owner
),

person as (
    select person_id
    from person
    where role = 'executive'
        and coalesce(is_active, true)
),

cue_candidate as (
    select
        account_id,
        kind,
        event_date,
        expires_date,
        evidence,
        statement,
        amount,
        currency,
        price_source
    from cue_candidate
),

usage_signal as (
    select
        account_id,
        metric,
        current_28d,
        prior_28d,
        adjusted_change_pct,
        z
    from usage_signal
    where tier = 'ok'
        and adjusted_change_pct >= cast($cue_usage_growth_pct as decimal(9,4))
        and z >= cast($cue_usage_growth_z as decimal(9,4))
),

account_health as (
    select
        account_id,
        band
    from account_health
),

health_seats as (
    select
        account_id,
        value
    from health_seats
),

ticket as (
    select account_id
    from ticket
    where lower(priority) in ('urgent', 'p1', 'critical')
        and created_at < cast($as_of_end as timestamp)
        and (resolved_at is null or resolved_at >= cast($as_of_end as timestamp))
),

invoice_standing as (
    select
        account_id,
        due_date
    from invoice_standing
    where is_open
        and due_date + cast(cast($receivable_grace_days as bigint) as int) < cast($as_of as date)
),

opportunity as (
    select
        opportunity_id,
        account_id
    from opportunity
    where kind = 'expansion'
        and not coalesce(is_closed, false)
        and (created_at is null or created_at < cast($as_of_end as timestamp))
),

currency_minor_unit as (
    select
        currency,
        minor_digits
    from currency_minor_unit
),

arr_rate as (
    select
        currency,
        fx_rate,
        reporting_digits
    from arr_rate
    where month_date = cast(date_trunc('month', cast($as_of as date)) as date)
),

published_cue as (
    select
        cue_id,
        event_date,
        as_of_date
    from published.expansion_cue
),

growth_cue as (
    select
        account_id,
        'usage_growth' as kind,
        cast(cast($as_of as date) - cast(cast($usage_lag_days as bigint) as int) as date) as event_date,
        cast(cast($as_of as date) - cast(cast($usage_lag_days as bigint) as int) + 28 as date) as expires_date,
        concat('usage of ', metric) as evidence,
        concat(
            'Use of ', metric, ' went from ', cast(cast(prior_28d as decimal(18,0)) as varchar), ' to ', cast(cast(current_28d as decimal(18,0)) as varchar),
            ' in 28 days, ', cast(cast(adjusted_change_pct as decimal(18,1)) as varchar), ' % more than peers explain'
        ) as statement,
        cast(null as decimal(38,10)) as amount,
        cast(null as varchar) as currency,
        cast(null as varchar) as price_source
    from usage_signal
    qualify row_number() over (partition by account_id order by z desc, metric) = 1
),

every_cue as (
    select
        account_id,
        kind,
        event_date,
        expires_date,
        evidence,
        statement,
        amount,
        currency,
        price_source
    from cue_candidate
    union all
    select
        account_id,
        kind,
        event_date,
        expires_date,
        evidence,
        statement,
        amount,
        currency,
        price_source
    from growth_cue
),

identified as (
    select
        every_cue.*,
        cast(date_trunc('month', every_cue.event_date) as date) as window_start_date,
        md5(concat(every_cue.account_id, '|', every_cue.kind, '|', cast(cast(date_trunc('month', every_cue.event_date) as date) as varchar))) as cue_id
    from every_cue
    inner join customer_account
        on every_cue.account_id = customer_account.account_id
    where every_cue.event_date <= cast($as_of as date)
        and every_cue.expires_date >= cast($as_of as date)
),

once as (
    select *
    from identified
    qualify row_number() over (partition by cue_id order by amount desc nulls last, event_date, evidence) = 1
),

from_use as (
    select distinct account_id
    from once
    where kind in ('seat_utilisation', 'usage_allotment', 'usage_growth', 'blocked_invites', 'feature_gates', 'rate_limited', 'invite_burst', 'trial_use')
),

first_seen as (
    select *
    from published_cue
    qualify row_number() over (partition by cue_id order by as_of_date) = 1
),

played as (
    select
        once.*,
        case
            when once.kind = 'ownership_change' then 'reset'
            when once.kind in ('discount_end', 'ramp_step') then 'brief'
            when once.kind in ('hiring', 'new_product', 'new_location', 'funding', 'compliance') and from_use.account_id is null then 'qualify'
            else 'expand'
        end as play,
        coalesce(first_seen.event_date, once.event_date) as first_event_date,
        coalesce(first_seen.as_of_date, cast($as_of as date)) as detected_date
    from once
    left join from_use
        on once.account_id = from_use.account_id
    left join first_seen
        on once.cue_id = first_seen.cue_id
),

urgent_ticket as (
    select
        account_id,
        count(*) as tickets
    from ticket
    group by account_id
),

overdue as (
    select
        account_id,
        count(*) as invoices,
        min(due_date) as due_date
    from invoice_standing
    group by account_id
),

open_deal as (
    select
        account_id,
        min(opportunity_id) as opportunity_id
    from opportunity
    group by account_id
),

executive as (
    select min(person_id) as person_id
    from person
),

gated as (
    select
        played.*,
        concat_ws(
            '; ',
            case when account_health.band = 'red' then 'the account''s health is red' end,
            case when urgent_ticket.tickets > 0 then concat(cast(urgent_ticket.tickets as varchar), case when urgent_ticket.tickets = 1 then ' urgent ticket is open' else ' urgent tickets are open' end) end,
            case when overdue.invoices > 0 then concat(
                cast(overdue.invoices as varchar),
                case when overdue.invoices = 1 then ' invoice is overdue since ' else ' invoices are overdue, the oldest since ' end,
                cast(overdue.due_date as varchar)
            ) end,
            case
                when health_seats.value < cast($cue_seats_low_pct as decimal(9,4))
                    then concat('only ', cast(cast(health_seats.value as decimal(18,1)) as varchar), ' % of the seats are used')
            end
        ) as reasons,
        open_deal.opportunity_id
    from played
    left join account_health
        on played.account_id = account_health.account_id
    left join urgent_ticket
        on played.account_id = urgent_ticket.account_id
    left join overdue
        on played.account_id = overdue.account_id
    left join health_seats
        on played.account_id = health_seats.account_id
    left join open_deal
        on played.account_id = open_deal.account_id
),

valued as (
    select
        gated.*,
        coalesce(currency_minor_unit.minor_digits, 2) as minor_digits,
        arr_rate.reporting_digits,
        cast(cast(gated.amount as double) * cast(arr_rate.fx_rate as double) as decimal(38,10)) as reporting_amount
    from gated
    left join currency_minor_unit
        on gated.currency = currency_minor_unit.currency
    left join arr_rate
        on gated.currency = arr_rate.currency
)

select
    valued.cue_id,
    valued.account_id,
    customer_account.account_name,
    case when valued.play = 'reset' then coalesce(executive.person_id, contract_owner.owner_id) else contract_owner.owner_id end as owner_id,
    case when valued.play = 'reset' and executive.person_id is not null then 'executive' else contract_owner.owner_role end as owner_role,
    case when valued.play = 'reset' then 'executive' else 'account_manager' end as route_role,
    valued.kind,
    valued.play,
    valued.window_start_date,
    valued.first_event_date as event_date,
    valued.detected_date,
    cast(valued.detected_date - valued.first_event_date as bigint) as latency_days,
    valued.expires_date,
    cast(round(
        cast(valued.expires_date - cast($as_of as date) as double) * 100
        / cast(greatest(valued.expires_date - valued.first_event_date, 1) as double),
        4
    ) as decimal(9,4)) as freshness_pct,
    valued.evidence,
    concat(
        valued.statement,
        case
            when valued.play = 'reset' then '. Renew the relationship: an executive should call, nothing is to be sold.'
            when valued.play = 'brief' then '. Tell them before it shows on an invoice.'
            when valued.play = 'qualify' then '. Ask what it means for them: nothing in their use speaks for more yet.'
            when valued.reasons <> '' then '. Put right what stands against an offer first.'
            else '. Offer more.'
        end
    ) as explanation,
    case
        when valued.minor_digits = 0 then cast(round(valued.amount, 0) as decimal(18,4))
        when valued.minor_digits = 3 then cast(round(valued.amount, 3) as decimal(18,4))
        else cast(round(valued.amount, 2) as decimal(18,4))
    end as estimate_amount,
    case when valued.amount is not null then valued.currency end as currency,
    case when valued.amount is not null then valued.price_source end as price_source,
    case
        when valued.reporting_digits = 0 then cast(round(valued.reporting_amount, 0) as decimal(18,4))
        when valued.reporting_digits = 3 then cast(round(valued.reporting_amount, 3) as decimal(18,4))
        else cast(round(valued.reporting_amount, 2) as decimal(18,4))
    end as estimate_amount_reporting,
    cast($reporting_currency as varchar) as reporting_currency,
    valued.opportunity_id as open_opportunity_id,
    case when valued.play in ('expand', 'qualify') then nullif(valued.reasons, '') end as suppressed_reason,
    cast($as_of as date) as as_of_date
from valued
inner join customer_account
    on valued.account_id = customer_account.account_id
left join contract_owner
    on valued.account_id = contract_owner.account_id
cross join executive
