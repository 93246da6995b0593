/*---
title = "Handoffs from sales, item by item"
owner = "cs"
grain = ["opportunity_id", "item", "as_of_date"]
partition_by = ["as_of_date"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
item = { type = "text", doc = "pricing_concessions, technical_commitments, risk_flags, champion or goals" }
as_of_date = { type = "date", doc = "The day it is about" }
account_id = { type = "text", doc = "The account" }
account_name = { type = "text", doc = "The account's name" }
owner_id = { type = "text", doc = "Who hands over and can fill it in; null where nobody is named" }
owner_role = { type = "text", doc = "sales; null without an owner" }
manager_id = { type = "text", doc = "The owner's manager" }
team_id = { type = "text", doc = "The team: its manager, or the owner alone" }
handoff_id = { type = "text", doc = "The handoff; null where none has been submitted" }
close_date = { type = "date", doc = "Day the deal was won" }
quarter = { type = "text", doc = "Calendar quarter of that day" }
is_last_five = { type = "boolean", doc = "One of the team's five deals won last: where an audit begins" }
is_required = { type = "boolean", doc = "One of the four mandatory items" }
status = { type = "text", doc = "not_due, missing (no handoff), empty, none, thin or substantive" }
is_present = { type = "boolean", doc = "Something is filled in" }
is_substantive = { type = "boolean", doc = "It says something: long enough, and neither none nor a placeholder" }
has_detail = { type = "boolean", doc = "Value and end of a concession, the day of a commitment, the champion's contact and notes" }
is_filled = { type = "boolean", doc = "Counts for completeness" }
verdict = { type = "text", doc = "The worst verdict of handoff_verification on the item's claims; null where nothing was claimed" }
submitted_at = { type = "timestamp", doc = "When the handoff was submitted" }
due_date = { type = "date", doc = "Last day on which it is in time" }
is_late = { type = "boolean", doc = "Submitted after that day, or not yet although it has passed; null where the day of submission is not known" }
days_late = { type = "integer", doc = "Days past that day, until submission or as_of; 0 in time" }
acceptance = { type = "text", doc = "accepted, rejected, pending or none (no handoff)" }
rejected_reason = { type = "text", doc = "Why customer success sent it back" }
explanation = { type = "text", doc = "What there is and what is missing, in one sentence" }

[checks]
not_null = ["opportunity_id", "item", "as_of_date", "account_id", "close_date", "is_required", "status", "is_filled", "acceptance", "explanation"]
expect.late_days = "is_late is null or is_late = (days_late > 0)"

[decisions]
population = "every deal that must be handed over, with or without a handoff"
late = "later than the policy's days after the deal was won; calendar days"
last_five = "the five deals of a team won last; with fewer, all of them"
---*/
with handoff_deal as (
    select
        opportunity_id,
        account_id,
        account_name,
        close_date,
        quarter,
        rep_id,
        manager_id,
        team_id,
        team_rank,
        due_date,
        handoff_id,
        submitted_at,
        submitted_date,
        accepted_at,
        rejected_reason,
    from handoff_deal
),

handoff_item as (
    select
        opportunity_id,
        item,
        is_required,
        is_present,
        is_substantive,
        has_detail,
        is_filled,
        status,
        verdict,
    from handoff_item
),

-- A handoff whose day of submission nobody knows is neither late nor in time.
timed as (
    select
        opportunity_id,
        case
            when handoff_id is not null and submitted_date is null then null
            else cast(greatest(coalesce(submitted_date, cast($as_of as date)) - due_date, 0) as bigint)
        end as days_late,
    from handoff_deal
)

select
    handoff_deal.opportunity_id,
    handoff_item.item,
    cast($as_of as date) as as_of_date,
    handoff_deal.account_id,
    handoff_deal.account_name,
    handoff_deal.rep_id as owner_id,
    case when handoff_deal.rep_id is not null then 'sales' end as owner_role,
    handoff_deal.manager_id,
    handoff_deal.team_id,
    handoff_deal.handoff_id,
    handoff_deal.close_date,
    handoff_deal.quarter,
    handoff_deal.team_rank <= 5 as is_last_five,
    handoff_item.is_required,
    handoff_item.status,
    handoff_item.is_present,
    handoff_item.is_substantive,
    handoff_item.has_detail,
    handoff_item.is_filled,
    handoff_item.verdict,
    handoff_deal.submitted_at,
    handoff_deal.due_date,
    timed.days_late > 0 as is_late,
    timed.days_late,
    case
        when handoff_deal.handoff_id is null then 'none'
        when handoff_deal.accepted_at is not null then 'accepted'
        when handoff_deal.rejected_reason is not null then 'rejected'
        else 'pending'
    end as acceptance,
    handoff_deal.rejected_reason,
    concat(
        upper(left(handoff_item.item, 1)), replace(substr(handoff_item.item, 2), '_', ' '), ': ',
        case handoff_item.status
            when 'not_due' then concat('no handoff yet; it is due by ', cast(handoff_deal.due_date as varchar))
            when 'missing' then concat('no handoff was submitted; it was due by ', cast(handoff_deal.due_date as varchar))
            when 'empty' then 'nothing is filled in'
            when 'none'
                then case
                    when handoff_item.is_filled then 'says none, and the evidence bears it out'
                    when handoff_item.verdict in ('contradicted', 'omitted') then 'says none, and the evidence says otherwise'
                    when handoff_item.verdict = 'no_evidence' then 'says none, and there is nothing to hold it against'
                    else 'says none, which is no answer here'
                end
            when 'thin' then 'what is filled in says nothing'
            else concat(
                'filled in',
                case
                    when handoff_item.has_detail then ''
                    when handoff_item.item = 'pricing_concessions' then ', without value and end'
                    when handoff_item.item = 'technical_commitments' then ', without a day'
                    when handoff_item.item = 'champion' then ', without contact and notes together'
                    else ''
                end,
                case
                    when handoff_item.verdict = 'contradicted' then '; the evidence says otherwise'
                    when handoff_item.verdict = 'omitted' then '; something that was granted is left out'
                    when handoff_item.verdict = 'unsupported' then '; no evidence says so'
                    else ''
                end
            )
        end,
        case
            when timed.days_late > 0 and handoff_deal.handoff_id is not null
                then concat('. Submitted ', cast(timed.days_late as varchar), case when timed.days_late = 1 then ' day' else ' days' end, ' late.')
            else '.'
        end
    ) as explanation,
from handoff_item
inner join handoff_deal
    on handoff_deal.opportunity_id = handoff_item.opportunity_id
inner join timed
    on timed.opportunity_id = handoff_item.opportunity_id
