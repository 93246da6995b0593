/*---
title = "Handoffs from sales, from properties of the deal"
owner = "cs"

[decisions]
form = "the form is a set of properties of the deal, which the job names; where it is an object of its own the job adds that stream and a query in place of this one"
filled = "a form of which nothing is filled in does not exist"
account = "the deal's primary company, else its only one; unknown of several"
---*/
with deal as (
    select
        id,
        handoff_submitted_at,
        handoff_submitted_by,
        handoff_accepted_at,
        handoff_accepted_by,
        handoff_rejected_reason,
        pricing_concessions,
        has_custom_pricing,
        cast(handoff_discount_pct as decimal(9,4)) as handoff_discount_pct,
        discount_end_date,
        technical_commitments,
        risk_flags,
        champion_contact_id,
        champion_notes,
        goals
    from landed.deal
    where
        handoff_submitted_at is not null
        or pricing_concessions is not null
        or has_custom_pricing is not null
        or handoff_discount_pct is not null
        or technical_commitments is not null
        or risk_flags is not null
        or champion_contact_id is not null
        or champion_notes is not null
        or goals is not null
),

company_link as (
    select
        from_id,
        to_id,
        primary_label
    from landed.deal_link
    where to_type = 'companies'
),

whose as (
    select
        from_id,
        coalesce(
            min(case when primary_label is not null then to_id end),
            case when count(*) = 1 then min(to_id) end
        ) as account_id
    from company_link
    group by from_id
)

select
    deal.id as handoff_id,
    deal.id as opportunity_id,
    whose.account_id,
    deal.handoff_submitted_at as submitted_at,
    deal.handoff_submitted_by as submitted_by,
    deal.handoff_accepted_at as accepted_at,
    deal.handoff_accepted_by as accepted_by,
    deal.handoff_rejected_reason as rejected_reason,
    deal.pricing_concessions,
    deal.has_custom_pricing,
    deal.handoff_discount_pct as discount_pct,
    deal.discount_end_date,
    deal.technical_commitments,
    deal.risk_flags,
    deal.champion_contact_id,
    deal.champion_notes,
    deal.goals,
    deal.id as source_id
from deal
left join whose
    on whose.from_id = deal.id
