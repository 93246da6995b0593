/*---
title = "Handoffs from sales, from fields of the opportunity"
owner = "cs"

[decisions]
form = "the form is a set of fields on the opportunity, which the job names; where it is an object of its own the job adds that stream and a query in place of this one"
filled = "a form of which nothing is filled in does not exist"
concessions = "what the deal's price concessions are worth is said in the form, not read off the deal: the check compares the two"
---*/
with opportunity as (
    select
        id,
        account_id,
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
    from landed.opportunity
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
)

select
    id as handoff_id,
    id as opportunity_id,
    account_id,
    handoff_submitted_at as submitted_at,
    handoff_submitted_by as submitted_by,
    handoff_accepted_at as accepted_at,
    handoff_accepted_by as accepted_by,
    handoff_rejected_reason as rejected_reason,
    pricing_concessions,
    has_custom_pricing,
    handoff_discount_pct as discount_pct,
    discount_end_date,
    technical_commitments,
    risk_flags,
    champion_contact_id,
    champion_notes,
    goals,
    id as source_id
from opportunity
