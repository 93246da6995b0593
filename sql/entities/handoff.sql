/*---
title = "Handoffs from sales"
owner = "cs"
grain = ["handoff_id"]

[columns]
handoff_id = { type = "text", doc = "The handoff" }
opportunity_id = { type = "text", doc = "The deal handed over" }
account_id = { type = "text", doc = "The account" }
submitted_at = { type = "timestamp", doc = "When sales submitted it" }
submitted_by = { type = "text", doc = "The person who submitted it" }
accepted_at = { type = "timestamp", doc = "When customer success accepted it" }
accepted_by = { type = "text", doc = "The person who accepted it" }
rejected_reason = { type = "text", doc = "Why it was sent back" }
pricing_concessions = { type = "text", doc = "Concessions on price, in words" }
has_custom_pricing = { type = "boolean", doc = "Prices differ from the price book" }
discount_pct = { type = "decimal(9,4)", doc = "Discount promised, percent points" }
discount_end_date = { type = "date", doc = "First day without the discount" }
technical_commitments = { type = "text", doc = "What was promised technically, in words" }
risk_flags = { type = "text", doc = "Known risks, in words" }
champion_contact_id = { type = "text", doc = "The customer's champion" }
champion_notes = { type = "text", doc = "What to know about the champion" }
goals = { type = "text", doc = "What the customer wants to achieve" }
source = { type = "text", doc = "Name in the job of the source that provided the row" }
source_id = { type = "text", doc = "The row's id in that source" }

[checks]
not_null = ["handoff_id", "opportunity_id"]

[decisions]
newest_wins = "Where a key was landed more than once, the row landed last holds"
whose = "The account is the canonical one, whatever id the source knows it by"
---*/
with canonical_account as (
    select
        external_id,
        source,
        account_id
    from canonical_account
),

newest as (
    select
        handoff_id,
        opportunity_id,
        account_id,
        submitted_at,
        submitted_by,
        accepted_at,
        accepted_by,
        rejected_reason,
        pricing_concessions,
        has_custom_pricing,
        discount_pct,
        discount_end_date,
        technical_commitments,
        risk_flags,
        champion_contact_id,
        champion_notes,
        goals,
        source,
        source_id
    from provided.handoff
    qualify row_number() over (partition by handoff_id order by _landed desc) = 1
)

select
    newest.handoff_id,
    newest.opportunity_id,
    coalesce(canonical_account.account_id, newest.account_id) as account_id,
    newest.submitted_at,
    newest.submitted_by,
    newest.accepted_at,
    newest.accepted_by,
    newest.rejected_reason,
    newest.pricing_concessions,
    newest.has_custom_pricing,
    newest.discount_pct,
    newest.discount_end_date,
    newest.technical_commitments,
    newest.risk_flags,
    newest.champion_contact_id,
    newest.champion_notes,
    newest.goals,
    newest.source,
    newest.source_id
from newest
left join canonical_account
    on newest.account_id = canonical_account.external_id
    and (canonical_account.source = '' or canonical_account.source = newest.source)
