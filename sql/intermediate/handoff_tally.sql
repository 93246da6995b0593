/*---
title = "Each deal's handoff in numbers"
owner = "cs"
grain = ["opportunity_id"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
quarter = { type = "text", doc = "Calendar quarter in which it was won" }
rep_id = { type = "text", doc = "Who hands over" }
team_id = { type = "text", doc = "The team" }
team_rank = { type = "integer", doc = "1 for the team's deal won last" }
is_due = { type = "boolean", doc = "Submitted, or overdue" }
is_submitted = { type = "boolean", doc = "There is a handoff" }
is_late = { type = "boolean", doc = "Submitted after its last day, or overdue; null where the day of submission is not known" }
is_accepted = { type = "boolean", doc = "Customer success accepted it" }
is_rejected = { type = "boolean", doc = "Customer success sent it back" }
items_required = { type = "integer", doc = "Mandatory items of a due handoff; 0 where it is not due" }
items_filled = { type = "integer", doc = "Those filled in" }
claims_contradicted = { type = "integer", doc = "Claims of a submitted handoff that the evidence contradicts" }
claims_omitted = { type = "integer", doc = "Grants that a submitted handoff leaves out" }
claims_unsupported = { type = "integer", doc = "Claims no evidence says" }
conversations = { type = "integer", doc = "Calls, meetings and e-mails in the last weeks of the sales cycle" }
conversations_read = { type = "integer", doc = "Those of which sentences are kept" }

[checks]
not_null = ["opportunity_id", "quarter", "is_due", "is_submitted", "items_required", "items_filled"]
expect.filled_within_required = "items_filled between 0 and items_required"
---*/
with handoff_deal as (
    select
        opportunity_id,
        quarter,
        rep_id,
        team_id,
        team_rank,
        due_date,
        handoff_id,
        submitted_date,
        accepted_at,
        rejected_reason,
    from handoff_deal
),

handoff_item as (
    select
        opportunity_id,
        sum(case when is_due then 1 else 0 end) as items_required,
        sum(case when is_due and is_filled then 1 else 0 end) as items_filled,
    from handoff_item
    where is_required
    group by opportunity_id
),

every_verdict as (
    select opportunity_id, verdict
    from handoff_verdict
    union all
    select opportunity_id, verdict
    from handoff_champion
    union all
    select opportunity_id, verdict
    from handoff_discount_end
),

counted as (
    select
        opportunity_id,
        sum(case when verdict = 'contradicted' then 1 else 0 end) as contradicted,
        sum(case when verdict = 'omitted' then 1 else 0 end) as omitted,
        sum(case when verdict = 'unsupported' then 1 else 0 end) as unsupported,
    from every_verdict
    group by opportunity_id
),

handoff_coverage as (
    select
        opportunity_id,
        conversations,
        conversations_read,
    from handoff_coverage
)

select
    handoff_deal.opportunity_id,
    handoff_deal.quarter,
    handoff_deal.rep_id,
    handoff_deal.team_id,
    handoff_deal.team_rank,
    handoff_deal.handoff_id is not null or handoff_deal.due_date < cast($as_of as date) as is_due,
    handoff_deal.handoff_id is not null as is_submitted,
    case
        when handoff_deal.handoff_id is null then handoff_deal.due_date < cast($as_of as date)
        else handoff_deal.submitted_date > handoff_deal.due_date
    end as is_late,
    handoff_deal.accepted_at is not null as is_accepted,
    handoff_deal.accepted_at is null and handoff_deal.handoff_id is not null and handoff_deal.rejected_reason is not null as is_rejected,
    cast(handoff_item.items_required as bigint) as items_required,
    cast(handoff_item.items_filled as bigint) as items_filled,
    cast(case when handoff_deal.handoff_id is null then 0 else coalesce(counted.contradicted, 0) end as bigint) as claims_contradicted,
    cast(case when handoff_deal.handoff_id is null then 0 else coalesce(counted.omitted, 0) end as bigint) as claims_omitted,
    cast(case when handoff_deal.handoff_id is null then 0 else coalesce(counted.unsupported, 0) end as bigint) as claims_unsupported,
    handoff_coverage.conversations,
    handoff_coverage.conversations_read,
from handoff_deal
inner join handoff_item
    on handoff_item.opportunity_id = handoff_deal.opportunity_id
inner join handoff_coverage
    on handoff_coverage.opportunity_id = handoff_deal.opportunity_id
left join counted
    on counted.opportunity_id = handoff_deal.opportunity_id
