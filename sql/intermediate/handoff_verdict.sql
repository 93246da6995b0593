/*---
title = "What the evidence makes of each claim of a handoff"
owner = "cs"
grain = ["opportunity_id", "claim"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
claim = { type = "text", doc = "The claim" }
form_says = { type = "text", doc = "stated, denied or silent" }
form_value = { type = "decimal(9,4)", doc = "The number stated; null where there is none" }
verdict = { type = "text", doc = "confirmed, contradicted, omitted, unsupported or no_evidence" }
granted = { type = "integer", doc = "Records and promises of ours that say there is such a thing" }
asked = { type = "integer", doc = "Times it was asked for without being granted" }

[checks]
not_null = ["opportunity_id", "claim", "form_says", "verdict", "granted", "asked"]
expect.verdict_known = "verdict in ('confirmed', 'contradicted', 'omitted', 'unsupported', 'no_evidence')"

[decisions]
records_first = "where records speak, they decide: a form that agrees with one of them is confirmed, whatever else was said on the way; one that agrees with none is contradicted"
promises_next = "without a record, what our side granted decides: a denial is contradicted, silence is an omission, and a number that agrees with no grant is contradicted"
only_grants = "what was only asked for, or refused, contradicts nothing: a denial is then confirmed, and silence has left nothing out"
spoken_alone = "a promise that no record has still stands against a denial: what was said and never written down is what a customer quotes a year later"
commitments = "each granted technical commitment must be in the form; one that is not is an omission"
missing_form = "without a handoff only what was granted is listed: it is what nobody was told"
nothing_to_see = "no conversation with kept sentences and, for discounts and free periods, neither a contract nor a CRM discount: no_evidence instead of confirmed or unsupported"
---*/
with handoff_claim as (
    select
        opportunity_id,
        claim,
        form_says,
        form_value,
    from handoff_claim
),

handoff_evidence as (
    select
        opportunity_id,
        claim,
        sum(case when strength <= 3 then 1 else 0 end) as records,
        sum(case when strength <= 3 and agrees then 1 else 0 end) as agreeing_records,
        sum(case when strength = 4 then 1 else 0 end) as grants,
        sum(case when strength = 4 and agrees then 1 else 0 end) as agreeing_grants,
        sum(case when strength = 5 then 1 else 0 end) as asked,
    from handoff_evidence
    group by
        opportunity_id,
        claim
),

handoff_coverage as (
    select
        opportunity_id,
        conversations_read,
    from handoff_coverage
),

handoff_deal as (
    select
        opportunity_id,
        handoff_id,
        crm_discount_pct,
    from handoff_deal
),

handoff_contract as (
    select opportunity_id
    from handoff_contract
),

weighed as (
    select
        handoff_claim.opportunity_id,
        handoff_claim.claim,
        handoff_claim.form_says,
        handoff_claim.form_value,
        coalesce(handoff_evidence.records, 0) as records,
        coalesce(handoff_evidence.agreeing_records, 0) as agreeing_records,
        coalesce(handoff_evidence.grants, 0) as grants,
        coalesce(handoff_evidence.agreeing_grants, 0) as agreeing_grants,
        coalesce(handoff_evidence.asked, 0) as asked,
        handoff_deal.handoff_id is not null as has_form,
        handoff_coverage.conversations_read > 0
            or (handoff_claim.claim = 'discount' and handoff_deal.crm_discount_pct is not null)
            or (handoff_claim.claim in ('discount', 'free_period') and handoff_contract.opportunity_id is not null)
            as is_searched,
    from handoff_claim
    inner join handoff_coverage
        on handoff_coverage.opportunity_id = handoff_claim.opportunity_id
    inner join handoff_deal
        on handoff_deal.opportunity_id = handoff_claim.opportunity_id
    left join handoff_contract
        on handoff_contract.opportunity_id = handoff_claim.opportunity_id
    left join handoff_evidence
        on handoff_evidence.opportunity_id = handoff_claim.opportunity_id
        and handoff_evidence.claim = handoff_claim.claim
)

select
    opportunity_id,
    claim,
    form_says,
    form_value,
    case
        when records + grants = 0 and form_says <> 'silent' and not is_searched then 'no_evidence'
        when records + grants = 0 and form_says = 'stated' then 'unsupported'
        when records + grants = 0 then 'confirmed'
        when form_says = 'denied' then 'contradicted'
        when form_says = 'silent' then 'omitted'
        when records > 0 and agreeing_records > 0 then 'confirmed'
        when records > 0 then 'contradicted'
        when claim = 'technical_commitment' and agreeing_grants < grants then 'omitted'
        when agreeing_grants > 0 then 'confirmed'
        else 'contradicted'
    end as verdict,
    cast(records + grants as bigint) as granted,
    cast(asked as bigint) as asked,
from weighed
where has_form or records + grants > 0
