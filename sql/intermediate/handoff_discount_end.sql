/*---
title = "The end of the discount a handoff states, against the contract's"
owner = "cs"
grain = ["opportunity_id"]

[columns]
opportunity_id = { type = "text", doc = "The deal" }
discount_id = { type = "text", doc = "The contract's discount it is held against" }
form_says = { type = "text", doc = "stated or silent" }
verdict = { type = "text", doc = "confirmed, contradicted or omitted" }
reason = { type = "text", doc = "What the verdict rests on, in words" }

[checks]
not_null = ["opportunity_id", "discount_id", "form_says", "verdict", "reason"]

[decisions]
when = "only where the form states a discount that the contract has too: else the discount itself is the matter. An expired discount that nobody knew would expire is the leak most often billed on"
form_end = "the field, else a date such as 2027-01-01 in the words on concessions; other words for a time ('for twelve months') are left unread"
a_day = "first day without and last day with are often confused: a day's difference agrees"
---*/
with handoff_deal as (
    select
        opportunity_id,
        pricing_concessions,
        discount_end_date,
    from handoff_deal
    where handoff_id is not null
),

handoff_claim as (
    select
        opportunity_id,
        form_value,
    from handoff_claim
    where
        claim = 'discount'
        and form_says = 'stated'
),

handoff_form as (
    select
        opportunity_id,
        has_detail,
    from handoff_form
    where item = 'pricing_concessions'
),

handoff_record as (
    select
        opportunity_id,
        record_id,
        value,
        end_date,
        detail,
    from handoff_record
    where
        claim = 'discount'
        and record_kind = 'contract'
),

form_end as (
    select
        handoff_deal.opportunity_id,
        handoff_claim.form_value,
        handoff_form.has_detail,
        coalesce(
            handoff_deal.discount_end_date,
            try_cast(regexp_replace(replace(handoff_deal.pricing_concessions, chr(10), ' '), '^.*?(20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]).*$', '\1') as date)
        ) as end_date,
    from handoff_deal
    inner join handoff_claim
        on handoff_claim.opportunity_id = handoff_deal.opportunity_id
    inner join handoff_form
        on handoff_form.opportunity_id = handoff_deal.opportunity_id
),

compared as (
    select
        form_end.opportunity_id,
        handoff_record.record_id as discount_id,
        form_end.end_date as form_end_date,
        handoff_record.detail,
        case
            when form_end.end_date is null then 'omitted'
            when abs(form_end.end_date - handoff_record.end_date) <= 1 then 'confirmed'
            else 'contradicted'
        end as verdict,
        handoff_record.end_date,
    from form_end
    inner join handoff_record
        on handoff_record.opportunity_id = form_end.opportunity_id
    where
        coalesce(abs(form_end.form_value - handoff_record.value) <= cast($handoff_discount_tolerance as decimal(9,4)), true)
        and (form_end.end_date is not null or (handoff_record.end_date is not null and not form_end.has_detail))
)

select
    opportunity_id,
    discount_id,
    case when form_end_date is null then 'silent' else 'stated' end as form_says,
    verdict,
    detail as reason,
from compared
qualify row_number() over (
    partition by opportunity_id
    order by verdict = 'confirmed' desc, end_date, discount_id
) = 1
